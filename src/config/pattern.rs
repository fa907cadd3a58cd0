//! A shell's patterns, as `${BRANCH//[^a-z0-9]/-}` and `${TAG#v}` have them: `*`, `?`, `[a-z]`, `[!a-z]` (or `[^a-z]`)
//! with classes like `[:alnum:]`, and `\` before what stands for itself; letters and ranges are Unicode's, as bash has
//! them in the locale C.UTF-8. What is no pattern, or holds quotes, which a shell would take away, is refused.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Debug)]
pub struct Pattern(Vec<Token>);

#[derive(Debug)]
enum Token {
    Any,
    One,
    Char(char),
    Set { negated: bool, items: Vec<Item> },
}

#[derive(Debug, Clone, Copy)]
enum Item {
    Range(char, char),
    Class(fn(char) -> bool),
}

/// Which of several matches is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Shortest,
    Longest,
}

impl Pattern {
    pub fn parse(text: &str) -> Option<Pattern> {
        let (mut tokens, mut rest) = (Vec::new(), text.chars().peekable());
        while let Some(c) = rest.next() {
            tokens.push(match c {
                '*' => Token::Any,
                '?' => Token::One,
                '[' => set(&mut rest)?,
                '\\' => Token::Char(rest.next()?),
                '\'' | '"' => return None,
                c => Token::Char(c),
            });
        }
        Some(Pattern(tokens))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The length of the match that `text` begins with.
    pub fn begins(&self, text: &[char], reach: Reach) -> Option<usize> {
        let mut states = vec![false; self.0.len() + 1];
        states[0] = true;
        let mut found = None;
        for at in 0..=text.len() {
            self.skip(&mut states);
            if states[self.0.len()] {
                found = Some(at);
            }
            if (found.is_some() && reach == Reach::Shortest) || !states.contains(&true) || at == text.len() {
                break;
            }
            states = self.step(&states, text[at]);
        }
        found
    }

    /// Where the match begins that `text` ends with.
    pub fn ends(&self, text: &[char], reach: Reach) -> Option<usize> {
        let whole = |start: &usize| self.begins(&text[*start..], Reach::Longest) == Some(text.len() - start);
        match reach {
            Reach::Longest => (0..=text.len()).find(whole),
            Reach::Shortest => (0..=text.len()).rev().find(whole),
        }
    }

    /// A `*` may also be nothing.
    fn skip(&self, states: &mut [bool]) {
        for (at, token) in self.0.iter().enumerate() {
            if states[at] && matches!(token, Token::Any) {
                states[at + 1] = true;
            }
        }
    }

    fn step(&self, states: &[bool], c: char) -> Vec<bool> {
        let mut next = vec![false; states.len()];
        for (at, token) in self.0.iter().enumerate().filter(|(at, _)| states[*at]) {
            match token {
                Token::Any => next[at] = true,
                token => next[at + 1] |= token.takes(c),
            }
        }
        next
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Any | Token::One => true,
            Token::Char(own) => *own == c,
            Token::Set { negated, items } => items.iter().any(|item| item.takes(c)) != *negated,
        }
    }
}

impl Item {
    fn takes(self, c: char) -> bool {
        match self {
            Item::Range(first, last) => (first..=last).contains(&c),
            Item::Class(class) => class(c),
        }
    }
}

/// What follows a `[`, and its `]`; one that stands first is no end.
fn set(rest: &mut Peekable<Chars<'_>>) -> Option<Token> {
    let negated = rest.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut items = Vec::new();
    loop {
        let c = match rest.next()? {
            ']' if !items.is_empty() => return Some(Token::Set { negated, items }),
            '[' if rest.peek() == Some(&':') => {
                items.push(Item::Class(class(rest)?));
                continue;
            }
            '\\' => rest.next()?,
            c => c,
        };
        let mut ahead = rest.clone();
        let range = ahead.next() == Some('-') && ahead.next().is_some_and(|last| last != ']');
        let last = match range.then(|| rest.nth(1)).flatten() {
            Some('\\') => rest.next()?,
            last => last.unwrap_or(c),
        };
        items.push(Item::Range(c, last));
    }
}

/// `:alnum:]`
fn class(rest: &mut Peekable<Chars<'_>>) -> Option<fn(char) -> bool> {
    let name: String = rest.by_ref().skip(1).take_while(|c| *c != ':').collect();
    let is: fn(char) -> bool = match name.as_str() {
        "alnum" => char::is_alphanumeric,
        "alpha" => char::is_alphabetic,
        "digit" => |c| c.is_ascii_digit(),
        "lower" => char::is_lowercase,
        "upper" => char::is_uppercase,
        "punct" => |c| c.is_ascii_punctuation(),
        "space" => char::is_whitespace,
        _ => return None,
    };
    (rest.next() == Some(']')).then_some(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begins(pattern: &str, text: &str) -> [Option<usize>; 2] {
        let (pattern, text) = (Pattern::parse(pattern).unwrap(), text.chars().collect::<Vec<_>>());
        [Reach::Shortest, Reach::Longest].map(|reach| pattern.begins(&text, reach))
    }

    #[test]
    fn pattern_begins_shortest_and_longest() {
        for (pattern, text, wanted) in [
            ("v", "v1", [Some(1); 2]),
            ("*/", "a/b/c", [Some(2), Some(4)]),
            ("*", "abc", [Some(0), Some(3)]),
            ("?[0-9]", "ü7x", [Some(2); 2]),
            ("[!a-c]", "a", [None; 2]),
            ("[]x]", "]", [Some(1); 2]),
            ("[a-]", "-", [Some(1); 2]),
            (r"[a-\z]", "m", [Some(1); 2]),
            ("[[:upper:]_]", "_", [Some(1); 2]),
            (r"\*", "*", [Some(1); 2]),
            (r"\*", "a", [None; 2]),
            ("", "a", [Some(0); 2]),
        ] {
            assert_eq!(begins(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn pattern_ends_shortest_and_longest() {
        let (pattern, text) = (Pattern::parse(".*").unwrap(), "a.tar.gz".chars().collect::<Vec<_>>());
        assert_eq!([Reach::Shortest, Reach::Longest].map(|reach| pattern.ends(&text, reach)), [Some(5), Some(1)]);
    }

    #[test]
    fn pattern_with_quotes_or_without_an_end_is_none() {
        for text in ["a'b", "\"", "[a", "[[:word:]]", "[[:alpha]", "\\"] {
            assert!(Pattern::parse(text).is_none(), "{text}");
        }
    }
}
