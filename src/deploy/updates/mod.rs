//! The four update strings: what changes in which container. Each is first taken apart ([`syntax`], or
//! [`json`] if it begins with `[`), and only then are variables expanded, value by value. In the string form
//! blanks around an expanded value are dropped; the JSON form keeps them.

mod json;
mod read;
mod syntax;

#[cfg(test)]
mod tests;

use std::fmt;

use read::{images, labels, pairs, read};

/// Expands `${NAME}` and its like in one text.
pub type Subst<'a> = &'a dyn Fn(&str) -> Result<String, SubstError>;

/// Why a text could not be expanded.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct SubstError {
    pub message: String,
    pub hint: Option<String>,
}

/// The four texts as they were given; empty means not given.
#[derive(Clone, Copy, Default)]
pub struct Texts<'a> {
    pub images: &'a str,
    pub env: &'a str,
    pub secrets: &'a str,
    pub labels: &'a str,
}

/// Everything that is to change in the containers, in the order it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Updates {
    pub images: Vec<ImageUpdate>,
    pub env: Vec<Assignment>,
    pub secrets: Vec<Assignment>,
    pub labels: Vec<Assignment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUpdate {
    pub container: String,
    pub change: ImageChange,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageChange {
    Whole(String),
    /// Another repository, with the tag that the container has now.
    Repository(String),
    /// Another tag of the repository that the container has now.
    Tag(String),
}

/// `name` is to be `value`. Not shown by `Debug`: the value may be secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignment {
    pub container: String,
    pub name: String,
    pub value: String,
    pub place: Place,
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}=… ({})", self.container, self.name, self.place)
    }
}

/// Where in the given text, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Character(usize),
    /// The entry of a JSON array.
    Entry(usize),
}

impl Place {
    fn character(text: &str, byte: usize) -> Place {
        Place::Character(text[..byte].chars().count() + 1)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Character(n) => write!(f, "character {n}"),
            Place::Entry(n) => write!(f, "entry {n}"),
        }
    }
}

/// Why an update string was refused, where, and how it is written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{parameter}, {place}: {why}")]
pub struct UpdateError {
    pub parameter: &'static str,
    pub place: Place,
    pub why: String,
    pub hint: String,
}

type Refusal = UpdateError;

impl UpdateError {
    fn new(kind: Kind, place: Place, why: String) -> Self {
        UpdateError { parameter: kind.parameter(), place, why, hint: format!("Write {}.", kind.form()) }
    }

    fn hinting(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// Which of the four strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Images,
    Env,
    Secrets,
    Labels,
}

impl Kind {
    pub fn parameter(self) -> &'static str {
        match self {
            Kind::Images => "container-image-name-updates",
            Kind::Env => "container-env-var-updates",
            Kind::Secrets => "container-secret-updates",
            Kind::Labels => "container-docker-label-updates",
        }
    }

    fn form(self) -> &'static str {
        match self {
            Kind::Images => {
                "container=NAME and then image-and-tag=REPOSITORY:TAG, or image=REPOSITORY (keeps the tag), or \
                 tag=TAG (keeps the repository), or image= and tag="
            }
            Kind::Env => "container=NAME,name=VARIABLE,value=VALUE and further name=,value= pairs",
            Kind::Secrets => "container=NAME,name=VARIABLE,valueFrom=ARN and further name=,valueFrom= pairs",
            Kind::Labels => "container=NAME,LABEL=VALUE and further LABEL=VALUE pieces",
        }
    }

    fn json_example(self) -> &'static str {
        match self {
            Kind::Images => r#"[{"container": "web", "image-and-tag": "repository:tag"}]"#,
            Kind::Env => r#"[{"container": "web", "name": "COLOURS", "value": "red,green"}]"#,
            Kind::Secrets => r#"[{"container": "web", "name": "TOKEN", "valueFrom": "arn:…"}]"#,
            Kind::Labels => r#"[{"container": "web", "key": "team", "value": "a,b"}]"#,
        }
    }

    /// A piece with a comma in its value.
    fn quoted_example(self) -> &'static str {
        match self {
            Kind::Images => r#""image-and-tag=REFERENCE""#,
            Kind::Env => r#""value=red,green""#,
            Kind::Secrets => r#""valueFrom=ARN""#,
            Kind::Labels => r#""team=a,b""#,
        }
    }

    /// Keys beside `container`. Labels have keys of their own; these two spell one out.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Kind::Images => &["image-and-tag", "image", "tag"],
            Kind::Env => &["name", "value"],
            Kind::Secrets => &["name", "valueFrom"],
            Kind::Labels => &["key", "value"],
        }
    }

    fn knows(self, key: &str) -> bool {
        if self == Kind::Labels { !key.is_empty() } else { self.fields().contains(&key) }
    }
}

impl Updates {
    /// Reads the four texts. Nothing is dropped: what is not understood is refused.
    pub fn parse(texts: Texts<'_>, subst: Subst<'_>) -> Result<Updates, UpdateError> {
        let updates = Updates {
            images: read(Kind::Images, texts.images, subst, images)?,
            env: read(Kind::Env, texts.env, subst, |group, reader| pairs(group, reader, "value"))?,
            secrets: read(Kind::Secrets, texts.secrets, subst, |group, reader| pairs(group, reader, "valueFrom"))?,
            labels: read(Kind::Labels, texts.labels, subst, labels)?,
        };
        updates.check_for_contradiction()?;
        Ok(updates)
    }

    pub fn is_empty(&self) -> bool {
        self.images.is_empty() && self.env.is_empty() && self.secrets.is_empty() && self.labels.is_empty()
    }

    /// ECS refuses a name that is a variable and a secret at once; which one is meant cannot be known.
    fn check_for_contradiction(&self) -> Result<(), UpdateError> {
        let same = |a: &Assignment, b: &Assignment| a.container == b.container && a.name == b.name;
        match self.secrets.iter().find(|secret| self.env.iter().any(|variable| same(variable, secret))) {
            None => Ok(()),
            Some(secret) => {
                let why = format!("{} of {} is given as a variable as well", secret.name, secret.container);
                Err(UpdateError::new(Kind::Secrets, secret.place, why)
                    .hinting("Give the name in one of the two; the other list is cleared of it."))
            }
        }
    }
}
