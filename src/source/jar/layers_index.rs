//! `BOOT-INF/layers.idx`, Spring Boot's list of which file of a jar belongs in which layer, from the one that
//! changes least to the one that changes most. Two kinds of lines and nothing else: `- "LAYER":` and
//! `  - "PATH"`, where a path that ends in `/` stands for all below it.

#[derive(Debug, PartialEq, Eq)]
pub(super) struct LayersIndex(Vec<(String, Vec<String>)>);

/// Where the text leaves the grammar; lines count from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub line: usize,
    pub why: &'static str,
}

impl LayersIndex {
    pub fn parse(text: &str) -> Result<LayersIndex, Malformed> {
        let mut layers: Vec<(String, Vec<String>)> = Vec::new();
        // `lines` takes CR LF for a line end too; Spring Boot's own reader skips empty lines.
        for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let wrong = |why| Err(Malformed { line: line + 1, why });
            if let Some(name) = quoted(text, "- \"", "\":") {
                layers.push((name.into(), Vec::new()));
            } else if let Some(path) = quoted(text, "  - \"", "\"") {
                let Some((_, paths)) = layers.last_mut() else { return wrong("a path before the first layer") };
                paths.push(path.into());
            } else {
                return wrong("neither a layer nor a path");
            }
        }
        Ok(LayersIndex(layers))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The first layer that lists this file, counted from the bottom.
    pub fn position(&self, file: &str) -> Option<usize> {
        let lists = |path: &String| path == file || (path.ends_with('/') && file.starts_with(path));
        self.0.iter().position(|(_, paths)| paths.iter().any(lists))
    }
}

fn quoted<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    line.trim_end().strip_prefix(before)?.strip_suffix(after).filter(|inner| !inner.is_empty() && !inner.contains('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_finds_exact_paths_and_prefixes_first_layer_first() {
        let index =
            LayersIndex::parse("- \"a\":\r\n  - \"lib/x.jar\"\r\n\r\n- \"b\":\n  - \"lib/\"\n- \"c\":\n").unwrap();
        assert_eq!(index.names().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(index.position("lib/x.jar"), Some(0));
        assert_eq!(index.position("lib/x.jar.md"), Some(1));
        assert_eq!(index.position("library"), None);
    }

    #[test]
    fn index_names_the_line_that_breaks_the_grammar() {
        let line = |text| LayersIndex::parse(text).unwrap_err().line;
        assert_eq!(line("  - \"early\"\n"), 1);
        assert_eq!(line("- \"a\":\n  - unquoted\n"), 2);
        assert_eq!(line("- \"a\":\n- \"b\"\n"), 2);
        assert_eq!(line("- \"a\":\n\n    - \"deep\"\n"), 3);
        assert_eq!(line("- \"\":\n"), 1);
    }
}
