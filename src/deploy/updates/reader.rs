//! Expands the values of one parameter, whether a string or a flag, and checks what its variables leave behind.

use super::syntax::{self, Raw};
use super::{Kind, Origin, Place, Refusal, Subst};

pub struct Reader<'a> {
    /// Of no matter to commands, sizes and roles.
    pub kind: Kind,
    pub parameter: &'static str,
    /// How the parameter is written, a full sentence.
    pub form: String,
    pub subst: Subst<'a>,
}

impl<'a> Reader<'a> {
    /// For one of the four update strings.
    pub fn of(kind: Kind, subst: Subst<'a>) -> Self {
        Reader { kind, parameter: kind.parameter(), form: format!("Write {}.", kind.form()), subst }
    }
}

impl Reader<'_> {
    pub fn expand(&self, place: Place, text: &str) -> Result<String, Refusal> {
        (self.subst)(text).map_err(|why| {
            let hint = why.hint.unwrap_or_else(|| self.form.clone());
            Refusal::at(Origin { parameter: self.parameter, place }, why.message, hint)
        })
    }

    pub fn value(&self, raw: &Raw) -> Result<String, Refusal> {
        let value = self.expand(raw.place, &raw.text)?;
        Ok(if raw.trimmed { value.trim().to_owned() } else { value })
    }

    /// A value that cannot be empty.
    pub fn name(&self, what: &str, raw: &Raw) -> Result<String, Refusal> {
        let name = self.value(raw)?;
        if name.trim().is_empty() {
            let why = format!("{what} is empty{}", self.because_of(raw));
            return Err(self.refuse(raw, why));
        }
        Ok(name)
    }

    pub fn origin(&self, raw: &Raw) -> Origin {
        Origin { parameter: self.parameter, place: raw.place }
    }

    pub fn refuse(&self, raw: &Raw, why: String) -> Refusal {
        Refusal::at(self.origin(raw), why, self.form.clone())
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

/// Refuses what no registry would accept, `/nginx:` for example, before it is registered.
pub fn checked(reader: &Reader<'_>, raw: &Raw, image: &str) -> Result<String, Refusal> {
    match image.parse::<crate::image::Reference>() {
        Ok(_) => Ok(image.to_owned()),
        Err(_) => {
            let why = format!("'{image}' is not an image reference{}", reader.because_of(raw));
            Err(reader.refuse(raw, why).hinting("Write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY:TAG@sha256:…"))
        }
    }
}

pub fn tag(reader: &Reader<'_>, raw: &Raw) -> Result<String, Refusal> {
    let tag = reader.value(raw)?;
    match crate::image::validate_tag(&tag) {
        Ok(()) => Ok(tag),
        Err(_) => {
            let why = format!("'{tag}' is not a tag{}", reader.because_of(raw));
            let hint = "A tag has 1 to 128 letters, digits, '_', '.' or '-'. A digest goes into a whole reference.";
            Err(reader.refuse(raw, why).hinting(hint))
        }
    }
}
