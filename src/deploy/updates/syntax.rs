//! The shape of an update string: pieces between commas, `key=value` each, gathered into one group per
//! `container=`. Variables are still unexpanded here, so what they hold can never become syntax; `${…}` is
//! one unit, commas and `=` inside it included. `\,` is a comma that does not part, and neither does one in a
//! piece that stands in quotes as a whole, as in a line of CSV: `"value=a,b"`, with `""` for a quote inside. Quotes
//! anywhere else are what the orb takes them for, a part of the value.

use super::{Kind, Place, Refusal};

/// A text as it was written, and where.
#[derive(Clone)]
pub struct Raw {
    pub text: String,
    pub place: Place,
    /// Outer blanks are not part of the value: so in the string form, not in JSON.
    pub trimmed: bool,
}

/// `container=NAME` and the fields that follow it.
pub struct Group {
    pub container: Raw,
    pub fields: Vec<Field>,
}

pub struct Field {
    pub key: Raw,
    pub value: Raw,
}

/// The length of the variable reference that `text` begins with: `$$`, `${…}` or `$NAME`; 1 for a lone `$`.
/// `None` if a brace is never closed.
pub fn reference(text: &str) -> Option<usize> {
    let rest = &text[1..];
    if rest.starts_with('$') {
        return Some(2);
    }
    let Some(inner) = rest.strip_prefix('{') else {
        let name = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        return Some(if rest.starts_with(|c: char| c.is_ascii_digit()) { 1 } else { 1 + name });
    };
    // Only `${` opens one more: a default may hold a lone brace.
    let (mut depth, mut dollar) = (1, false);
    for (at, c) in inner.char_indices() {
        match c {
            '{' if dollar => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some("${".len() + at + 1);
        }
        dollar = c == '$' && !dollar;
    }
    None
}

/// Whether the text is one variable and nothing else: it then holds the whole update string.
pub fn is_one_variable(text: &str) -> bool {
    text.starts_with('$') && !text.starts_with("$$") && text.len() > 1 && reference(text) == Some(text.len())
}

pub fn parse(kind: Kind, text: &str) -> Result<Vec<Group>, Refusal> {
    let mut groups: Vec<Group> = Vec::new();
    for piece in pieces(kind, text)? {
        let Some(Field { key, value }) = field(kind, &piece, groups.last())? else { continue };
        if key.text == "container" {
            groups.push(Group { container: value, fields: Vec::new() });
        } else if let Some(group) = groups.last_mut() {
            group.fields.push(Field { key, value });
        } else {
            let why = format!("'{}=' stands before the first container=, so it is unclear what it is for", key.text);
            return Err(Refusal::new(kind, key.place, why));
        }
    }
    Ok(groups)
}

/// A piece between two commas: its text with `\,` resolved, the byte where its first `=` stands, its place.
struct Piece {
    text: String,
    equals: Option<usize>,
    place: Place,
    /// It stood in quotes, so its blanks are meant.
    quoted: bool,
}

impl Piece {
    fn at(place: Place) -> Piece {
        Piece { text: String::new(), equals: None, place, quoted: false }
    }

    fn begins(&self) -> bool {
        !self.quoted && self.text.trim().is_empty()
    }

    fn push(&mut self, text: &str) {
        if text == "=" {
            self.equals.get_or_insert(self.text.len());
        }
        self.text.push_str(text);
    }
}

fn pieces(kind: Kind, text: &str) -> Result<Vec<Piece>, Refusal> {
    let mut pieces = Vec::new();
    let mut piece = Piece::at(Place::Character(1));
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let place = Place::character(text, at);
        let rest = &text[at..];
        at += match c {
            ',' => {
                pieces.push(std::mem::replace(&mut piece, Piece::at(Place::character(text, at + 1))));
                1
            }
            '"' if piece.begins() => quoted(kind, place, rest, &mut piece)?,
            '\\' if rest.starts_with("\\,") => {
                let length = escape(kind, place, &rest[2..])?;
                piece.push(",");
                length
            }
            _ => {
                let length = unit(kind, place, rest)?;
                piece.push(&rest[..length]);
                length
            }
        };
    }
    pieces.push(piece);
    Ok(pieces)
}

/// The length of the variable or the character that `rest` begins with.
fn unit(kind: Kind, place: Place, rest: &str) -> Result<usize, Refusal> {
    match rest.chars().next() {
        Some('$') => reference(rest).ok_or_else(|| unclosed(kind, place)),
        first => Ok(first.map_or(0, char::len_utf8)),
    }
}

/// A piece that stands in quotes as a whole. Returns the length with both quotes and the blanks behind them.
fn quoted(kind: Kind, place: Place, rest: &str, piece: &mut Piece) -> Result<usize, Refusal> {
    piece.text.clear();
    piece.quoted = true;
    let mut at = 1;
    while let Some(c) = rest[at..].chars().next() {
        match c {
            '"' if rest[at + 1..].starts_with('"') => {
                piece.push("\"");
                at += 2;
            }
            '"' => {
                let behind = rest[at + 1..].split(',').next().unwrap_or_default();
                let over = behind.trim().is_empty();
                return if over { Ok(at + 1 + behind.len()) } else { Err(half_quoted(kind, place)) };
            }
            _ => {
                let length = unit(kind, place, &rest[at..])?;
                piece.push(&rest[at..at + length]);
                at += length;
            }
        }
    }
    Err(half_quoted(kind, place))
}

fn half_quoted(kind: Kind, place: Place) -> Refusal {
    let hint =
        format!("A piece stands in quotes as a whole: {}. A quote inside is written \"\".", kind.quoted_example());
    Refusal::new(kind, place, "a piece begins with a quote and does not end with one".into()).hinting(hint)
}

fn unclosed(kind: Kind, place: Place) -> Refusal {
    Refusal::new(kind, place, "'${' is not closed".into())
        .hinting("Close it with '}', or write $${ for a literal '${'.")
}

/// A backslash that happens to end a value looks the same as an escaped comma. What follows tells them apart;
/// where it does not, nothing is guessed.
fn escape(kind: Kind, place: Place, rest: &str) -> Result<usize, Refusal> {
    let next = rest.split(',').next().unwrap_or_default().trim();
    let key = next.split('=').next().unwrap_or_default().trim();
    if next.is_empty() || (next.contains('=') && (key == "container" || kind.fields().contains(&key))) {
        let why = "'\\,' may be an escaped comma, or a value that ends in a backslash".to_owned();
        return Err(Refusal::new(kind, place, why).hinting(format!("Write the JSON form: {}", kind.json_example())));
    }
    Ok(2)
}

fn field(kind: Kind, piece: &Piece, group: Option<&Group>) -> Result<Option<Field>, Refusal> {
    let Some(equals) = piece.equals else {
        return if piece.text.trim().is_empty() { Ok(None) } else { Err(without_equals(kind, piece, group)) };
    };
    let raw = |text: &str| Raw { text: text.trim().to_owned(), place: piece.place, trimmed: true };
    let exact = |text: &str| Raw { text: text.to_owned(), place: piece.place, trimmed: false };
    let (key, value) = (&piece.text[..equals], &piece.text[equals + 1..]);
    let field = Field { key: raw(key), value: if piece.quoted { exact(value) } else { raw(value) } };
    let known = field.key.text == "container" || kind.knows(&field.key.text);
    if known { Ok(Some(field)) } else { Err(unknown(kind, &field.key, group)) }
}

/// Most often the rest of a value that has a comma in it; it may be secret and is not repeated.
fn without_equals(kind: Kind, piece: &Piece, group: Option<&Group>) -> Refusal {
    let why = format!("there is no '=' in the piece{}", after(group));
    let hint = if is_one_variable(piece.text.trim()) {
        "A variable can hold one value or the whole text, but not a part of the syntax.".to_owned()
    } else {
        comma_hint(kind)
    };
    Refusal::new(kind, piece.place, why).hinting(hint)
}

fn unknown(kind: Kind, key: &Raw, group: Option<&Group>) -> Refusal {
    let keys = || std::iter::once("container").chain(kind.fields().iter().copied());
    match crate::nearest::nearest(&key.text, keys()) {
        Some(meant) => {
            let why = format!("unknown key '{}'; did you mean '{meant}'?", key.text);
            Refusal::new(kind, key.place, why)
        }
        // Not repeated either: it may be the rest of a secret value.
        None => {
            let why = format!("unknown key{}; known are {}", after(group), keys().collect::<Vec<_>>().join(", "));
            Refusal::new(kind, key.place, why).hinting(comma_hint(kind))
        }
    }
}

fn after(group: Option<&Group>) -> String {
    let Some(group) = group else { return String::new() };
    match group.fields.iter().rev().find(|field| field.key.text == "name") {
        Some(name) => format!(" after container={}, name={}", group.container.text, name.value.text),
        None => format!(" after container={}", group.container.text),
    }
}

fn comma_hint(kind: Kind) -> String {
    let (quoted, json) = (kind.quoted_example(), kind.json_example());
    format!("A value with a comma in it stands in quotes with its key, {quoted}; or write the JSON form: {json}")
}
