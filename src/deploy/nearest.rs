//! "Did you mean": the candidate nearest to a mistyped name.

/// The nearest candidate, if it is near enough to be meant (a third of the name may differ).
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's edit distance in characters, regardless of case, hyphens read as underscores.
fn distance(a: &str, b: &str) -> usize {
    let fold = |text: &str| text.to_lowercase().replace('-', "_").chars().collect::<Vec<_>>();
    let (a, b) = (fold(a), fold(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_takes_a_typo_and_leaves_a_stranger() {
        assert_eq!(nearest("wbe", ["web", "worker"]), None);
        assert_eq!(nearest("wep", ["web", "worker"]), Some("web"));
        assert_eq!(nearest("worke", ["web", "worker"]), Some("worker"));
        assert_eq!(nearest("my-app", ["my_app"]), Some("my_app"));
        assert_eq!(nearest("nginx", ["web", "worker"]), None);
    }
}
