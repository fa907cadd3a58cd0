//! Which tags may be moved from one image to another: what the repository says, and what it says it does not hold for.
//! Limits and grammar are ECR's ("Preventing image tags from being overwritten in Amazon ECR").

use serde_json::{Value, json};

use super::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutability {
    /// `MUTABLE`, `IMMUTABLE`, `IMMUTABLE_WITH_EXCLUSION` or `MUTABLE_WITH_EXCLUSION`.
    word: String,
    /// Wildcards of tags for which the opposite holds, sorted.
    exclusions: Vec<String>,
}

const MOST_FILTERS: usize = 5;

impl Mutability {
    pub fn new(word: &str, mut exclusions: Vec<String>) -> Result<Self, Error> {
        match (word.ends_with("_WITH_EXCLUSION"), exclusions.len()) {
            (true, 0) => return Err(Error::NoFilters(word.to_owned())),
            (false, 1..) => return Err(Error::Filters(word.to_owned())),
            (_, count) if count > MOST_FILTERS => return Err(Error::TooManyFilters(count)),
            _ => {}
        }
        if let Some(wrong) = exclusions.iter().find(|filter| !is_filter(filter)) {
            return Err(Error::Filter(wrong.clone()));
        }
        exclusions.sort();
        exclusions.dedup();
        Ok(Mutability { word: word.to_owned(), exclusions })
    }

    /// As DescribeRepositories shows it. Repositories were mutable before there was a choice.
    pub fn read(shown: &Value) -> Self {
        let filters = shown["imageTagMutabilityExclusionFilters"].as_array().into_iter().flatten();
        let mut exclusions: Vec<String> =
            filters.filter_map(|filter| filter["filter"].as_str()).map(str::to_owned).collect();
        exclusions.sort();
        Mutability { word: shown["imageTagMutability"].as_str().unwrap_or("MUTABLE").to_owned(), exclusions }
    }

    /// The members by which a call sets it.
    pub fn write(&self, body: &mut Value) {
        body["imageTagMutability"] = json!(self.word);
        if !self.exclusions.is_empty() {
            let filters = self.exclusions.iter().map(|filter| json!({ "filterType": "WILDCARD", "filter": filter }));
            body["imageTagMutabilityExclusionFilters"] = filters.collect();
        }
    }

    /// Whether this tag may not be moved once it is given.
    pub fn fixes(&self, tag: &str) -> bool {
        let excluded = self.exclusions.iter().any(|filter| fits(filter, tag));
        self.word.starts_with("IMMUTABLE") != excluded
    }
}

impl std::fmt::Display for Mutability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.word)?;
        if self.exclusions.is_empty() { Ok(()) } else { write!(f, " of {}", self.exclusions.join(",")) }
    }
}

fn is_filter(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._*-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(legal) && text.matches('*').count() <= 2
}

/// `*` stands for any text.
fn fits(filter: &str, tag: &str) -> bool {
    let Some((head, rest)) = filter.split_once('*') else { return filter == tag };
    let Some(tail) = tag.strip_prefix(head) else { return false };
    (0..=tail.len()).any(|at| tail.get(at..).is_some_and(|tail| fits(rest, tail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutability(word: &str, filters: &[&str]) -> Result<Mutability, Error> {
        Mutability::new(word, filters.iter().map(|filter| (*filter).to_owned()).collect())
    }

    #[test]
    fn mutability_fixes_tags_but_for_its_exclusions() {
        for (word, filters, latest, version) in [
            ("MUTABLE", &[][..], false, false),
            ("IMMUTABLE", &[], true, true),
            ("IMMUTABLE_WITH_EXCLUSION", &["latest", "dev-*"], false, true),
            ("MUTABLE_WITH_EXCLUSION", &["v*.*"], false, true),
        ] {
            let mutability = mutability(word, filters).unwrap();
            assert_eq!((mutability.fixes("latest"), mutability.fixes("v1.0")), (latest, version), "{word}");
        }
        let excluding = mutability("IMMUTABLE_WITH_EXCLUSION", &["dev-*"]).unwrap();
        assert!(!excluding.fixes("dev-1") && !excluding.fixes("dev-") && excluding.fixes("my-dev-1"));
    }

    #[test]
    fn mutability_and_filters_that_do_not_go_together_are_refused() {
        let many = ["a", "b", "c", "d", "e", "f"];
        assert!(matches!(mutability("IMMUTABLE", &["a"]), Err(Error::Filters(_))));
        assert!(matches!(mutability("IMMUTABLE_WITH_EXCLUSION", &[]), Err(Error::NoFilters(_))));
        assert!(matches!(mutability("IMMUTABLE_WITH_EXCLUSION", &many), Err(Error::TooManyFilters(6))));
        for wrong in ["a b", "*a*b*", "x/y", &"a".repeat(129)] {
            assert!(matches!(mutability("IMMUTABLE_WITH_EXCLUSION", &[wrong]), Err(Error::Filter(_))), "{wrong}");
        }
    }

    #[test]
    fn mutability_written_and_read_is_the_same() {
        let written = mutability("IMMUTABLE_WITH_EXCLUSION", &["latest", "dev-*"]).unwrap();
        let mut body = json!({});
        written.write(&mut body);
        assert_eq!(Mutability::read(&body), written);
        assert_eq!(written.to_string(), "IMMUTABLE_WITH_EXCLUSION of dev-*,latest");
        assert_eq!(Mutability::read(&json!({})), mutability("MUTABLE", &[]).unwrap());
    }
}
