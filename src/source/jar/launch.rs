//! How `java` is started. `java -jar` obeys some attributes of the manifest that `java -cp` does not know; what
//! has a flag of its own gets it, so that a jar runs alike laid out and whole (JAR file specification, "Main
//! Attributes"; java(1)).

use super::super::Warning;
use super::manifest::Manifest;

pub(super) fn java(flags: &[String], module_flags: Vec<String>, command: Vec<String>) -> Vec<String> {
    let mut all = vec!["java".to_owned()];
    all.extend(flags.iter().cloned());
    all.extend(module_flags);
    all.extend(command);
    all
}

/// Attributes about modules, as flags. Java 8 has no modules: it passes over the attributes, but would not start
/// with the flags, so an application that runs on it gets none.
pub(super) fn module_flags(manifest: &Manifest, java_version: Option<u32>) -> Vec<String> {
    if java_version.is_none_or(|version| version < 9) {
        return Vec::new();
    }
    let opened = [("Add-Exports", "--add-exports"), ("Add-Opens", "--add-opens")];
    let flags = opened.iter().flat_map(|(attribute, flag)| {
        let packages = manifest.get(attribute).unwrap_or_default().split_whitespace();
        packages.map(move |package| format!("{flag}={package}=ALL-UNNAMED"))
    });
    flags.collect()
}

/// Attributes that only `java -jar` obeys.
pub(super) fn warn(manifest: &Manifest, has_versions: bool, warnings: &mut Vec<Warning>) {
    let cure = "Use --mode packaged if the application needs it.";
    if has_versions && manifest.is_true("Multi-Release") {
        let text = "classes in META-INF/versions are not used when a multi-release jar is laid out as files";
        warnings.push(Warning::new(text, cure));
    }
    if manifest.get("Launcher-Agent-Class").is_some() {
        let text = "the manifest's Launcher-Agent-Class is not started when a jar is laid out as files";
        warnings.push(Warning::new(text, cure));
    }
}
