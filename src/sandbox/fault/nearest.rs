//! "Did you mean": the name nearest to one that is mistyped.

/// The nearest of them, if no more than a third of it differs, or one letter.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|known| (distance(&name.to_ascii_lowercase(), &known.to_ascii_lowercase()), known));
    scored
        .filter(|(distance, known)| distance * 3 <= known.len().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Letters to add, drop or change.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for place in 0..other.len() {
            let changed = diagonal + usize::from(other[place] != letter);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_is_found_and_the_far_is_not() {
        let known = ["throttle", "status", "deny"];
        assert_eq!(nearest("trottle", known.into_iter()), Some("throttle"));
        assert_eq!(nearest("Deny", known.into_iter()), Some("deny"));
        assert_eq!(nearest("explode", known.into_iter()), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "ab")), (3, 2));
    }
}
