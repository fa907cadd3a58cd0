//! The two ranges of HTTP that a registry meets: the part of a blob that is asked for, and the part that is sent.

/// What a `Range` header asks of content of this size: first byte and length. A header that cannot be read asks for
/// everything, as HTTP has it; None cannot be satisfied.
pub(super) fn requested(header: &str, size: u64) -> Option<(u64, u64)> {
    let all = Some((0, size));
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else { return all };
    let (first, last) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
        (Ok(first), Err(_)) if last.is_empty() => (first, size.saturating_sub(1)),
        (Err(_), Ok(count)) if first.is_empty() => (size.saturating_sub(count), size.saturating_sub(1)),
        _ => return all,
    };
    (first < size).then(|| (first, last - first + 1))
}

/// `Content-Range: 0-1023`, as the distribution specification has it, without a unit; some clients write one.
pub(super) fn sent(header: &str) -> Option<(u64, u64)> {
    let range = header.strip_prefix("bytes ").unwrap_or(header);
    let (first, last) = range.split('/').next()?.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requested_ranges() {
        for (header, expected) in [
            ("bytes=0-3", Some((0, 4))),
            ("bytes=8-99", Some((8, 2))),
            ("bytes=4-", Some((4, 6))),
            ("bytes=-3", Some((7, 3))),
            ("bytes=10-", None),
            ("bytes=5-2", Some((0, 10))),
            ("lines=1-2", Some((0, 10))),
        ] {
            assert_eq!(requested(header, 10), expected, "{header}");
        }
        assert_eq!(requested("bytes=0-0", 0), None);
    }

    #[test]
    fn sent_ranges() {
        for (header, expected) in
            [("0-1023", Some((0, 1023))), ("bytes 5-9/10", Some((5, 9))), ("9-5", None), ("x", None)]
        {
            assert_eq!(sent(header), expected, "{header}");
        }
    }
}
