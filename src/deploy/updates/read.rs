//! From groups of fields to updates: which keys go together, in which order, and what their values may be.
//! Here variables are expanded, value by value, and what they leave behind is checked.

use super::syntax::{self, Field, Group, Raw};
use super::{Assignment, ImageChange, ImageUpdate, Kind, Place, Refusal, Subst, json};

/// Expands values of one update string.
pub struct Reader<'a> {
    kind: Kind,
    subst: Subst<'a>,
}

pub fn read<T>(
    kind: Kind,
    text: &str,
    subst: Subst<'_>,
    read_group: impl Fn(&Group, &Reader<'_>) -> Result<Vec<T>, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let text = text.trim();
    // A text that is one variable was meant to be read from it; what comes out is not expanded again.
    if syntax::is_one_variable(text) {
        let expanded = expand(kind, Place::Character(1), text, subst)?;
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
    let reader = Reader { kind, subst };
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

fn expand(kind: Kind, place: Place, text: &str, subst: Subst<'_>) -> Result<String, Refusal> {
    subst(text).map_err(|why| {
        let refusal = Refusal::new(kind, place, why.message);
        match why.hint {
            Some(hint) => refusal.hinting(hint),
            None => refusal,
        }
    })
}

impl Reader<'_> {
    fn value(&self, raw: &Raw) -> Result<String, Refusal> {
        let value = expand(self.kind, raw.place, &raw.text, self.subst)?;
        Ok(if raw.trimmed { value.trim().to_owned() } else { value })
    }

    /// A value that cannot be empty.
    fn name(&self, what: &str, raw: &Raw) -> Result<String, Refusal> {
        let name = self.value(raw)?;
        if name.trim().is_empty() {
            let why = format!("{what} is empty{}", self.because_of(raw));
            return Err(self.refuse(raw, why));
        }
        Ok(name)
    }

    fn refuse(&self, raw: &Raw, why: String) -> Refusal {
        Refusal::new(self.kind, raw.place, why)
    }

    /// Names the variables in `raw` that are empty, as that is why most values are wrong.
    fn because_of(&self, raw: &Raw) -> String {
        let mut empty = Vec::new();
        let mut rest = raw.text.as_str();
        while let Some(at) = rest.find('$') {
            let length = syntax::reference(&rest[at..]).unwrap_or(1);
            let variable = &rest[at..at + length];
            if length > 1 && (self.subst)(variable).is_ok_and(|value| value.trim().is_empty()) {
                empty.push(variable);
            }
            rest = &rest[at + length..];
        }
        match empty.as_slice() {
            [] => String::new(),
            [one] => format!(": {one} is empty"),
            several => format!(": {} are empty", several.join(" and ")),
        }
    }
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
    Ok(vec![ImageUpdate { container, change, place: group.container.place }])
}

/// Refuses what no registry would accept, `/nginx:` for example, before it is registered.
fn checked(reader: &Reader<'_>, raw: &Raw, image: &str) -> Result<String, Refusal> {
    match image.parse::<crate::image::Reference>() {
        Ok(_) => Ok(image.to_owned()),
        Err(_) => {
            let why = format!("'{image}' is not an image reference{}", reader.because_of(raw));
            Err(reader.refuse(raw, why).hinting("Write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY:TAG@sha256:…"))
        }
    }
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

fn tag(reader: &Reader<'_>, raw: &Raw) -> Result<String, Refusal> {
    let tag = reader.value(raw)?;
    match crate::image::validate_tag(&tag) {
        Ok(()) => Ok(tag),
        Err(_) => {
            let why = format!("'{tag}' is not a tag{}", reader.because_of(raw));
            let hint = "A tag has 1 to 128 letters, digits, '_', '.' or '-'. A digest goes into image-and-tag=.";
            Err(reader.refuse(raw, why).hinting(hint))
        }
    }
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
    Ok(Assignment { container: container.to_owned(), name, value, place: first.key.place })
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
        labels.push(Assignment { container: container.clone(), name, value, place: field.key.place });
    }
    Ok(labels)
}
