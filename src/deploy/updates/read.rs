//! From groups of fields to updates: which keys go together, in which order, and what their values may be.
//! Here variables are expanded, value by value.

use super::reader::{Reader, checked, tag};
use super::syntax::{self, Field, Group, Raw};
use super::{Assignment, ImageChange, ImageUpdate, Kind, Place, Refusal, Subst, json};

pub fn read<T>(
    kind: Kind,
    text: &str,
    subst: Subst<'_>,
    read_group: impl Fn(&Group, &Reader<'_>) -> Result<Vec<T>, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let text = text.trim();
    // A text that is one variable was meant to be read from it; what comes out is not expanded again.
    if syntax::is_one_variable(text) {
        let expanded = Reader::of(kind, subst).expand(Place::Character(1), text)?;
        return read_expanded(kind, expanded.trim(), &|text| Ok(text.to_owned()), &read_group);
    }
    read_expanded(kind, text, subst, &read_group)
}

fn read_expanded<T>(
    kind: Kind,
    text: &str,
    subst: Subst<'_>,
    read_group: &impl Fn(&Group, &Reader<'_>) -> Result<Vec<T>, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let groups = if text.starts_with('[') { json::parse(kind, text)? } else { syntax::parse(kind, text)? };
    let reader = Reader::of(kind, subst);
    let mut changes = Vec::new();
    for group in &groups {
        if group.fields.is_empty() {
            let why = format!("nothing is said about container={}", group.container.text);
            return Err(Refusal::new(kind, group.container.place, why));
        }
        changes.extend(read_group(group, &reader)?);
    }
    Ok(changes)
}

pub fn images(group: &Group, reader: &Reader<'_>) -> Result<Vec<ImageUpdate>, Refusal> {
    let mut given: [Option<&Raw>; 3] = [None; 3];
    for Field { key, value } in &group.fields {
        let slot = reader.kind.fields().iter().position(|known| *known == key.text).expect("checked when parsed");
        if given[slot].replace(value).is_some() {
            let why = format!("'{}=' is given twice for container={}", key.text, group.container.text);
            return Err(reader.refuse(key, why));
        }
    }
    let container = reader.name("the name of the container", &group.container)?;
    let change = match given {
        [Some(whole), None, None] => ImageChange::Whole(checked(reader, whole, &reader.value(whole)?)?),
        [None, Some(image), None] => ImageChange::Repository(repository(reader, image)?),
        [None, None, Some(value)] => ImageChange::Tag(tag(reader, value)?),
        [None, Some(image), Some(value)] => {
            ImageChange::Whole(format!("{}:{}", repository(reader, image)?, tag(reader, value)?))
        }
        _ => {
            let why = format!("image-and-tag= stands beside image= or tag= for container={}", group.container.text);
            return Err(reader.refuse(&group.container, why));
        }
    };
    Ok(vec![ImageUpdate { container, change, origin: reader.origin(&group.container) }])
}

fn repository(reader: &Reader<'_>, raw: &Raw) -> Result<String, Refusal> {
    let image = checked(reader, raw, &reader.value(raw)?)?;
    let parts = crate::deploy::image::take_apart(&image);
    if parts.tag.is_some() || parts.digest.is_some() {
        let why = format!("image= takes a repository without tag or digest, not '{image}'");
        return Err(reader.refuse(raw, why).hinting("Write image-and-tag= for a whole reference."));
    }
    Ok(image)
}

/// `name=N,value=V` pairs; all that follow a `container=` belong to it.
pub fn pairs(group: &Group, reader: &Reader<'_>, field: &str) -> Result<Vec<Assignment>, Refusal> {
    let container = reader.name("the name of the container", &group.container)?;
    let mut pairs = Vec::new();
    let mut fields = group.fields.iter();
    while let Some(first) = fields.next() {
        if first.key.text != "name" {
            let why = format!("'{field}=' has no 'name=' before it in container={}", group.container.text);
            return Err(reader.refuse(&first.key, why).hinting(comma_or_form(reader.kind)));
        }
        let value = fields.next().filter(|second| second.key.text == field).ok_or_else(|| {
            let why = format!("name={} is not followed by '{field}='", first.value.text);
            reader.refuse(&first.key, why)
        })?;
        pairs.push(assignment(&container, first, value, reader)?);
    }
    Ok(pairs)
}

fn comma_or_form(kind: Kind) -> String {
    format!(
        "Write {}; a value with a comma in it stands in quotes with its key: {}.",
        kind.form(),
        kind.quoted_example()
    )
}

fn assignment(container: &str, first: &Field, second: &Field, reader: &Reader<'_>) -> Result<Assignment, Refusal> {
    let name = reader.name("a name", &first.value)?;
    if name.contains('=') {
        return Err(reader.refuse(&first.value, format!("the name '{}' has '=' in it", first.value.text)));
    }
    let value = match reader.kind {
        Kind::Secrets => reader.name("valueFrom", &second.value)?,
        _ => reader.value(&second.value)?,
    };
    Ok(Assignment { container: container.to_owned(), name, value, origin: reader.origin(&first.key) })
}

/// `LABEL=VALUE`, any number of them, or `key=LABEL,value=VALUE` pairs.
pub fn labels(group: &Group, reader: &Reader<'_>) -> Result<Vec<Assignment>, Refusal> {
    let container = reader.name("the name of the container", &group.container)?;
    let mut labels = Vec::new();
    let mut fields = group.fields.iter().peekable();
    while let Some(field) = fields.next() {
        let is_value = |next: &&Field| next.key.text == "value";
        let (name, value) = match field.key.text.as_str() {
            "key" => match fields.next_if(is_value) {
                Some(value) => (&field.value, &value.value),
                None if !field.key.trimmed => return Err(reader.refuse(&field.key, "there is no 'value'".into())),
                None => (&field.key, &field.value),
            },
            "name" if fields.next_if(is_value).is_some() => {
                let why = "'name=,value=' may be one label or two".to_owned();
                return Err(reader.refuse(&field.key, why).hinting("Write LABEL=VALUE, or key=LABEL,value=VALUE."));
            }
            _ => (&field.key, &field.value),
        };
        let (name, value) = (reader.name("a label's name", name)?, reader.value(value)?);
        labels.push(Assignment { container: container.clone(), name, value, origin: reader.origin(&field.key) });
    }
    Ok(labels)
}
