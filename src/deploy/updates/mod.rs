//! What changes in which container: the four update strings, and the flags that say the same and more, one change
//! each ([`flags`]). A text is first taken apart ([`syntax`], or [`json`] if it begins with `[`), and only then are
//! variables expanded, value by value. In the string form blanks around an expanded value are dropped; quoted
//! pieces, the JSON form and the flags keep them.

mod flags;
mod json;
mod read;
mod reader;
mod syntax;

#[cfg(test)]
mod tests;

use std::fmt;

use read::{images, labels, pairs, read};

pub use flags::Flags;

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

/// Everything that is to change, in the order it was written. A container's empty name means the only one there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Updates {
    pub images: Vec<ImageUpdate>,
    pub env: Vec<Assignment>,
    pub secrets: Vec<Assignment>,
    pub labels: Vec<Assignment>,
    pub removed: Vec<Removal>,
    /// Lists that are to hold what is assigned here and nothing else.
    pub replaced: Vec<Replacement>,
    pub commands: Vec<CommandUpdate>,
    pub sizes: Vec<SizeUpdate>,
    /// Name or ARN.
    pub task_role: Option<String>,
    pub execution_role: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUpdate {
    pub container: String,
    pub change: ImageChange,
    pub origin: Origin,
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
    pub origin: Origin,
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}=… ({})", self.container, self.name, self.origin)
    }
}

/// A name that is to go from one of a container's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Never images.
    pub kind: Kind,
    pub container: String,
    pub name: String,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Never images.
    pub kind: Kind,
    pub container: String,
    pub origin: Origin,
}

/// What the container runs; nothing gives it back to the image. Not shown by `Debug`: a word may be secret.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandUpdate {
    pub container: String,
    pub words: Vec<String>,
    pub origin: Origin,
}

impl fmt::Debug for CommandUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} words ({})", self.container, self.words.len(), self.origin)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeUpdate {
    pub size: Size,
    /// Nothing means the task as a whole.
    pub container: Option<String>,
    /// CPU units, 1024 for a vCPU, or MiB.
    pub amount: u64,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Cpu,
    Memory,
}

impl Size {
    /// The member of a task definition and of a container in it.
    pub fn member(self) -> &'static str {
        match self {
            Size::Cpu => "cpu",
            Size::Memory => "memory",
        }
    }

    /// `512`, or as ECS spells it too, `0.5 vCPU` and `1 GB`.
    pub fn read(self, text: &str) -> Option<u64> {
        let text = text.trim().to_ascii_lowercase();
        let suffix = if self == Size::Cpu { "vcpu" } else { "gb" };
        match text.strip_suffix(suffix) {
            Some(number) => {
                let units = number.trim().parse::<f64>().ok()? * 1024.0;
                (units > 0.0 && units < 1e9 && units.fract() == 0.0).then_some(units as u64)
            }
            None => text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit())),
        }
    }
}

/// Who asked for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub parameter: &'static str,
    pub place: Place,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.parameter, self.place)
    }
}

/// Where in the given text, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Character(usize),
    /// The entry of a JSON array.
    Entry(usize),
    /// A flag that may be repeated.
    Occurrence(usize),
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
            Place::Occurrence(n) => write!(f, "occurrence {n}"),
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

    fn at(origin: Origin, why: impl Into<String>, hint: impl Into<String>) -> Self {
        let Origin { parameter, place } = origin;
        UpdateError { parameter, place, why: why.into(), hint: hint.into() }
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
            ..Updates::default()
        };
        updates.check_for_contradiction()?;
        Ok(updates)
    }

    /// Adds what the flags ask for.
    pub fn with(mut self, flags: &Flags, subst: Subst<'_>) -> Result<Updates, UpdateError> {
        flags.read(&mut self, subst)?;
        self.check_for_contradiction()?;
        Ok(self)
    }

    pub fn is_empty(&self) -> bool {
        *self == Updates::default()
    }

    /// What is assigned in lists of this kind.
    pub fn assigned(&self, kind: Kind) -> &[Assignment] {
        match kind {
            Kind::Env => &self.env,
            Kind::Secrets => &self.secrets,
            Kind::Labels => &self.labels,
            Kind::Images => &[],
        }
    }

    /// Every container that something is said about, and who says it.
    pub fn containers(&mut self) -> impl Iterator<Item = (&mut String, Origin)> {
        let assigned = [&mut self.env, &mut self.secrets, &mut self.labels].into_iter().flatten();
        let sizes = self.sizes.iter_mut().filter_map(|size| Some((size.container.as_mut()?, size.origin)));
        (self.images.iter_mut().map(|update| (&mut update.container, update.origin)))
            .chain(assigned.map(|update| (&mut update.container, update.origin)))
            .chain(self.removed.iter_mut().map(|removal| (&mut removal.container, removal.origin)))
            .chain(self.replaced.iter_mut().map(|replaced| (&mut replaced.container, replaced.origin)))
            .chain(self.commands.iter_mut().map(|command| (&mut command.container, command.origin)))
            .chain(sizes)
    }

    /// ECS refuses a name that is a variable and a secret at once; which one is meant cannot be known. Nor what is
    /// meant by a name that is to be set and to go.
    pub fn check_for_contradiction(&self) -> Result<(), UpdateError> {
        let same = |a: &Assignment, b: &Assignment| a.container == b.container && a.name == b.name;
        if let Some(secret) = self.secrets.iter().find(|secret| self.env.iter().any(|other| same(other, secret))) {
            let why = format!("{} is given as a variable as well", secret.name);
            let hint = "Give the name in one of the two; the other list is cleared of it.";
            return Err(UpdateError::at(secret.origin, why, hint));
        }
        let set = |removal: &&Removal| {
            let same = |set: &Assignment| set.container == removal.container && set.name == removal.name;
            self.assigned(removal.kind).iter().any(same)
        };
        match self.removed.iter().find(set) {
            Some(removal) => {
                let why = format!("{} is to be set as well", removal.name);
                Err(UpdateError::at(removal.origin, why, "Give the name once."))
            }
            None => Ok(()),
        }
    }
}
