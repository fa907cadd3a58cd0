//! The flags that change one thing each and may be repeated: `--env web:MODE=fast`, `--remove-label web:team`. What
//! stands before the first `=` is taken apart, what stands behind it is the value and may hold anything. The
//! container may be left out where the definition has but one.

#[cfg(test)]
mod tests;

use super::reader::{Reader, checked, tag};
use super::syntax::{self, Raw};
use super::{
    Assignment, CommandUpdate, ImageChange, ImageUpdate, Kind, Place, Refusal, Removal, Replacement, Size, SizeUpdate,
    Subst, Updates,
};

/// As they were given, with their variables. No `Debug`: values may be secret.
#[derive(Default)]
pub struct Flags {
    pub image: Vec<String>,
    pub env: Vec<String>,
    pub secret: Vec<String>,
    pub label: Vec<String>,
    pub remove_env: Vec<String>,
    pub remove_secret: Vec<String>,
    pub remove_label: Vec<String>,
    pub replace_env: Vec<String>,
    pub replace_secrets: Vec<String>,
    pub replace_labels: Vec<String>,
    pub command: Vec<String>,
    pub cpu: Vec<String>,
    pub memory: Vec<String>,
    pub task_role: Option<String>,
    pub execution_role: Option<String>,
}

const IMAGE: &str = "Write [CONTAINER=]REPOSITORY:TAG, or [CONTAINER=]:TAG, which keeps the repository.";
const NAME: &str = "Write [CONTAINER:]NAME; the container may be left out where there is but one.";
const CONTAINER: &str = "Write the container's name.";
const COMMAND: &str = r#"Write [CONTAINER=]["sh","-c","…"], a JSON array; [] goes back to what the image runs."#;
const ROLE: &str = "Write the role's name, or its ARN: arn:aws:iam::123456789012:role/NAME.";

impl Flags {
    pub fn read(&self, updates: &mut Updates, subst: Subst<'_>) -> Result<(), Refusal> {
        let reader = |kind, parameter, form: &str| Reader { kind, parameter, form: form.to_owned(), subst };
        let value = "Write [CONTAINER:]NAME=VALUE; the container may be left out where there is but one.";
        let arn = "Write [CONTAINER:]NAME=ARN; the container may be left out where there is but one.";
        updates.images.extend(each(&self.image, &reader(Kind::Images, "--image", IMAGE), image)?);
        updates.env.extend(each(&self.env, &reader(Kind::Env, "--env", value), assignment)?);
        updates.secrets.extend(each(&self.secret, &reader(Kind::Secrets, "--secret", arn), assignment)?);
        updates.labels.extend(each(&self.label, &reader(Kind::Labels, "--label", value), assignment)?);
        for (given, kind, parameter) in [
            (&self.remove_env, Kind::Env, "--remove-env"),
            (&self.remove_secret, Kind::Secrets, "--remove-secret"),
            (&self.remove_label, Kind::Labels, "--remove-label"),
        ] {
            updates.removed.extend(each(given, &reader(kind, parameter, NAME), removal)?);
        }
        for (given, kind, parameter) in [
            (&self.replace_env, Kind::Env, "--replace-env"),
            (&self.replace_secrets, Kind::Secrets, "--replace-secrets"),
            (&self.replace_labels, Kind::Labels, "--replace-labels"),
        ] {
            updates.replaced.extend(each(given, &reader(kind, parameter, CONTAINER), replacement)?);
        }
        self.read_the_rest(updates, subst)
    }

    fn read_the_rest(&self, updates: &mut Updates, subst: Subst<'_>) -> Result<(), Refusal> {
        let reader = |parameter, form: &str| Reader { kind: Kind::Images, parameter, form: form.to_owned(), subst };
        let cpu = "Write [CONTAINER=]UNITS, 1024 for a vCPU; without a container it is the whole task's.";
        let memory = "Write [CONTAINER=]MIB; without a container it is the whole task's.";
        updates.commands.extend(each(&self.command, &reader("--command", COMMAND), command)?);
        let size = |size| move |reader: &Reader<'_>, raw: &Raw| amount(size, reader, raw);
        updates.sizes.extend(each(&self.cpu, &reader("--cpu", cpu), size(Size::Cpu))?);
        updates.sizes.extend(each(&self.memory, &reader("--memory", memory), size(Size::Memory))?);
        let role =
            |flag, given: &Option<String>| given.as_ref().map(|given| role(&reader(flag, ROLE), given)).transpose();
        updates.task_role = role("--task-role-arn", &self.task_role)?;
        updates.execution_role = role("--execution-role-arn", &self.execution_role)?;
        Ok(())
    }
}

fn each<T>(
    given: &[String],
    reader: &Reader<'_>,
    read: impl Fn(&Reader<'_>, &Raw) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let raw = |(at, text): (usize, &String)| exact(text, Place::Occurrence(at + 1));
    let read = |raw: Raw| match raw.text.trim() {
        "" => Err(reader.refuse(&raw, "it is empty, which is what a shell makes of a variable that is not set".into())),
        _ => read(reader, &raw),
    };
    given.iter().enumerate().map(raw).map(read).collect()
}

fn exact(text: &str, place: Place) -> Raw {
    Raw { text: text.to_owned(), place, trimmed: false }
}

fn name(text: &str, place: Place) -> Raw {
    Raw { text: text.trim().to_owned(), place, trimmed: true }
}

/// Cuts at the first separator that is no part of a variable.
fn cut(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c == separator {
            return Some((&text[..at], &text[at + c.len_utf8()..]));
        }
        at += if c == '$' { syntax::reference(&text[at..]).unwrap_or(1) } else { c.len_utf8() };
    }
    None
}

/// The container's name; empty where it was left out.
fn container(reader: &Reader<'_>, given: Option<&str>, raw: &Raw) -> Result<String, Refusal> {
    given.map_or(Ok(String::new()), |given| reader.name("the name of the container", &name(given, raw.place)))
}

fn image(reader: &Reader<'_>, raw: &Raw) -> Result<ImageUpdate, Refusal> {
    let (named, reference) = match cut(&raw.text, '=') {
        Some((named, reference)) => (Some(named), reference),
        None => (None, raw.text.as_str()),
    };
    let container = container(reader, named, raw)?;
    let change = match reference.trim().strip_prefix(':') {
        Some(new) => ImageChange::Tag(tag(reader, &name(new, raw.place))?),
        None => {
            let reference = name(reference, raw.place);
            ImageChange::Whole(checked(reader, &reference, &reader.value(&reference)?)?)
        }
    };
    Ok(ImageUpdate { container, change, origin: reader.origin(raw) })
}

fn assignment(reader: &Reader<'_>, raw: &Raw) -> Result<Assignment, Refusal> {
    // The text may hold a secret and is not repeated.
    let (left, value) = cut(&raw.text, '=').ok_or_else(|| reader.refuse(raw, "there is no '=' in it".into()))?;
    let (container, name) = addressed(reader, left, raw)?;
    let value = match reader.kind {
        Kind::Secrets => reader.name("the ARN", &exact(value.trim(), raw.place))?,
        _ => reader.value(&exact(value, raw.place))?,
    };
    Ok(Assignment { container, name, value, origin: reader.origin(raw) })
}

/// `[CONTAINER:]NAME`
fn addressed(reader: &Reader<'_>, text: &str, raw: &Raw) -> Result<(String, String), Refusal> {
    let (named, inner) = match cut(text, ':') {
        Some((named, inner)) => (Some(named), inner),
        None => (None, text),
    };
    let container = container(reader, named, raw)?;
    let inner = reader.name("the name", &name(inner, raw.place))?;
    if inner.contains('=') && reader.kind != Kind::Labels {
        return Err(reader.refuse(raw, format!("the name '{inner}' has '=' in it")));
    }
    Ok((container, inner))
}

fn removal(reader: &Reader<'_>, raw: &Raw) -> Result<Removal, Refusal> {
    let (container, name) = addressed(reader, &raw.text, raw)?;
    Ok(Removal { kind: reader.kind, container, name, origin: reader.origin(raw) })
}

fn replacement(reader: &Reader<'_>, raw: &Raw) -> Result<Replacement, Refusal> {
    let container = container(reader, Some(&raw.text), raw)?;
    Ok(Replacement { kind: reader.kind, container, origin: reader.origin(raw) })
}

fn command(reader: &Reader<'_>, raw: &Raw) -> Result<CommandUpdate, Refusal> {
    let (named, array) = match cut(&raw.text, '=') {
        Some((named, array)) if !raw.text.trim_start().starts_with('[') => (Some(named), array.trim()),
        _ => (None, raw.text.trim()),
    };
    let container = container(reader, named, raw)?;
    let refuse = || reader.refuse(raw, "it is not a JSON array of strings".into());
    let words: Vec<String> = if syntax::is_one_variable(array) {
        // The variable holds the array; what it holds is not read again.
        serde_json::from_str(&reader.value(&exact(array, raw.place))?).map_err(|_| refuse())?
    } else {
        let words: Vec<String> = serde_json::from_str(array).map_err(|_| refuse())?;
        words.iter().map(|word| reader.value(&exact(word, raw.place))).collect::<Result<_, _>>()?
    };
    Ok(CommandUpdate { container, words, origin: reader.origin(raw) })
}

fn amount(size: Size, reader: &Reader<'_>, raw: &Raw) -> Result<SizeUpdate, Refusal> {
    let (named, text) = match cut(&raw.text, '=') {
        Some((named, text)) => (Some(named), text),
        None => (None, raw.text.as_str()),
    };
    let container = named.map(|named| container(reader, Some(named), raw)).transpose()?;
    let text = reader.value(&name(text, raw.place))?;
    let amount = size.read(&text).ok_or_else(|| reader.refuse(raw, format!("'{text}' is no amount")))?;
    Ok(SizeUpdate { size, container, amount, origin: reader.origin(raw) })
}

/// A name or an ARN, in any partition.
fn role(reader: &Reader<'_>, given: &str) -> Result<String, Refusal> {
    let given = given.trim();
    let parts: Vec<&str> = given.splitn(6, ':').collect();
    let fits = match parts.as_slice() {
        ["arn", _, "iam", "", account, rest] => {
            account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && rest.starts_with("role/")
        }
        [name] => name.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c)),
        _ => false,
    };
    let refuse = || reader.refuse(&exact(given, Place::Occurrence(1)), format!("'{given}' is not a role"));
    if fits { Ok(given.to_owned()) } else { Err(refuse()) }
}
