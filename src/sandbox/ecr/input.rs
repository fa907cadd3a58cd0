//! What a call brings along, checked as AWS checks it: a member of the wrong type is a SerializationException, one that
//! is missing or out of bounds an InvalidParameterException. Members that are not asked for are ignored.

use serde_json::Value;

use crate::image::Digest;
use crate::sandbox::Refusal;
use crate::sandbox::catalog::valid_name;

#[derive(Clone, Copy)]
pub(super) struct Input<'a>(&'a Value);

/// An `imageId`: digest, tag, or both.
#[derive(Debug, Clone)]
pub(super) struct ImageId {
    pub(super) digest: Option<String>,
    pub(super) tag: Option<String>,
}

impl<'a> Input<'a> {
    pub(super) fn new(document: &'a Value) -> Self {
        Input(document)
    }

    /// The member as it came; null counts as absent.
    pub(super) fn value(self, member: &str) -> Option<&'a Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    pub(super) fn optional_text(self, member: &str) -> Result<Option<&'a str>, Refusal> {
        self.value(member).map(|value| value.as_str().ok_or_else(|| wrong_type(member))).transpose()
    }

    pub(super) fn text(self, member: &str) -> Result<&'a str, Refusal> {
        self.optional_text(member)?.ok_or_else(|| Refusal::parameter(member, "Member must not be null"))
    }

    pub(super) fn number(self, member: &str) -> Result<u64, Refusal> {
        let value = self.value(member).ok_or_else(|| Refusal::parameter(member, "Member must not be null"))?;
        value.as_u64().ok_or_else(|| wrong_type(member))
    }

    pub(super) fn flag(self, member: &str) -> Result<bool, Refusal> {
        self.value(member).map_or(Ok(false), |value| value.as_bool().ok_or_else(|| wrong_type(member)))
    }

    /// A repository's name.
    pub(super) fn name(self, member: &str) -> Result<&'a str, Refusal> {
        let name = self.text(member)?;
        check_name(member, name)?;
        Ok(name)
    }

    /// An absent list is empty.
    pub(super) fn list(self, member: &str) -> Result<&'a [Value], Refusal> {
        self.value(member)
            .map_or(Ok(&[]), |value| value.as_array().map(Vec::as_slice).ok_or_else(|| wrong_type(member)))
    }

    pub(super) fn texts(self, member: &str) -> Result<Vec<&'a str>, Refusal> {
        self.list(member)?.iter().map(|item| item.as_str().ok_or_else(|| wrong_type(member))).collect()
    }

    /// A list that must have something in it.
    pub(super) fn some_texts(self, member: &str) -> Result<Vec<&'a str>, Refusal> {
        let texts = self.texts(member)?;
        if texts.is_empty() {
            return Err(Refusal::parameter(member, "Member must have length greater than or equal to 1"));
        }
        Ok(texts)
    }

    pub(super) fn object(self, member: &str) -> Result<Option<Input<'a>>, Refusal> {
        let object = |value: &'a Value| value.is_object().then_some(Input(value)).ok_or_else(|| wrong_type(member));
        self.value(member).map(object).transpose()
    }

    /// One of these words.
    pub(super) fn word(self, member: &str, words: &[&str]) -> Result<Option<&'a str>, Refusal> {
        let text = self.optional_text(member)?;
        match text.filter(|text| !words.contains(text)) {
            None => Ok(text),
            Some(_) => {
                let rule = format!("Member must satisfy enum value set: [{}]", words.join(", "));
                Err(Refusal::parameter(member, rule))
            }
        }
    }

    /// `Key` and `Value` pairs.
    pub(super) fn tags(self, member: &str) -> Result<Vec<(String, String)>, Refusal> {
        let pair = |tag: &Value| Some((tag.get("Key")?.as_str()?.to_owned(), tag.get("Value")?.as_str()?.to_owned()));
        self.list(member)?.iter().map(|tag| pair(tag).ok_or_else(|| wrong_type(member))).collect()
    }

    pub(super) fn image_ids(self, member: &str) -> Result<Vec<ImageId>, Refusal> {
        let ids = self.list(member)?;
        if ids.len() > 100 {
            return Err(Refusal::parameter(member, "Member must have length less than or equal to 100"));
        }
        ids.iter().map(ImageId::read).collect()
    }
}

impl ImageId {
    fn read(id: &Value) -> Result<Self, Refusal> {
        let input = Input(id);
        let text = |member| input.optional_text(member).map(|text| text.map(str::to_owned));
        Ok(ImageId { digest: text("imageDigest")?, tag: text("imageTag")? })
    }

    /// As it came.
    pub(super) fn show(&self) -> Value {
        let mut shown = serde_json::Map::new();
        self.digest.iter().for_each(|digest| drop(shown.insert("imageDigest".into(), digest.clone().into())));
        self.tag.iter().for_each(|tag| drop(shown.insert("imageTag".into(), tag.clone().into())));
        shown.into()
    }

    pub(super) fn of(digest: &Digest, tag: Option<&str>) -> Value {
        ImageId { digest: Some(digest.to_string()), tag: tag.map(str::to_owned) }.show()
    }
}

pub(super) fn check_name(member: &str, name: &str) -> Result<(), Refusal> {
    const GRAMMAR: &str =
        "must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'";
    if name.len() < 2 {
        return Err(Refusal::parameter(member, "Member must have length greater than or equal to 2"));
    }
    if valid_name(name) { Ok(()) } else { Err(Refusal::parameter(member, GRAMMAR)) }
}

fn wrong_type(member: &str) -> Refusal {
    Refusal::new("SerializationException", format!("Unexpected type for member {member}"))
}
