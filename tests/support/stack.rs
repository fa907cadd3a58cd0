//! The local stack that `scripts/stack start` runs. Tests that need it are skipped where it does not run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::record::Recorder;

/// What `scripts/stack start` wrote: `export NAME=value` lines.
pub struct Stack {
    folder: PathBuf,
    variables: BTreeMap<String, String>,
    /// Where its AWS is reached, if that is recorded.
    _recorder: Option<Recorder>,
}

impl Stack {
    pub fn running() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let Some(folder) = std::env::var_os("DOCKLESS_TEST_STACK") else {
            eprintln!("skipped: DOCKLESS_TEST_STACK is not set, see scripts/test");
            return None;
        };
        let folder = root.join(folder);
        let text = fs::read_to_string(folder.join("env")).expect("the stack runs: scripts/stack start");
        let exports = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let mut variables: BTreeMap<_, String> =
            exports.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let aws = variables.get_mut("AWS_ENDPOINT_URL").expect("the address of the stack's AWS");
        let recorder = Recorder::before("stack", aws);
        if let Some(recorder) = &recorder {
            *aws = recorder.url().to_owned();
        }
        Some(Stack { folder, variables, _recorder: recorder })
    }

    /// A jar that `scripts/test` has built.
    pub fn fixture(&self, name: &str) -> String {
        let path = self.folder.join("fixtures").join(name);
        assert!(path.exists(), "{} is missing: scripts/test builds it", path.display());
        path.display().to_string()
    }

    /// The OCI layout of a base image.
    pub fn image(&self, name: &str) -> String {
        self.folder.join("images").join(name).display().to_string()
    }
}

impl std::ops::Index<&str> for Stack {
    type Output = str;
    fn index(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_else(|| panic!("{name} is missing in the stack's env"))
    }
}
