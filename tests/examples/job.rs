//! A pipeline's job: a checkout, a home and the variables that a CI system sets, and its steps run one after the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

use super::account::{Account, curl};
use super::root;

/// The end of every commit's name; an account's number is the beginning.
const COMMIT: &str = "9a8b4c3d2e1f0a9b8c7d6e5f4a3b";

/// A job as the CI system runs it: a checkout, a home and an environment of its own.
pub struct Job {
    checkout: PathBuf,
    pub env: BTreeMap<String, String>,
}

impl Job {
    pub fn new(stage: &Path, service: &str, account: &Account) -> Self {
        let checkout = stage.join("checkout");
        copy(&root().join("ci-examples").join(service), &checkout);
        let base = if service == "nginx" { "nginx:1" } else { "jre:17" };
        let commit = format!("{}{COMMIT}", account.id);
        let home = stage.join("home");
        fs::create_dir(&home).unwrap();
        let outer = |name| std::env::var(name).unwrap_or_default();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let binary = Path::new(env!("CARGO_BIN_EXE_dockless"));
        let registry = &account.stack["REGISTRY"];
        let env = [
            ("PATH", format!("{}:{}", text(home.join(".local/bin")), outer("PATH"))),
            ("MAVEN_OPTS", format!("-Dmaven.repo.local={}/.m2/repository", outer("HOME"))),
            ("HOME", text(home)),
            ("CI", "true".into()),
            ("CIRCLECI", "true".into()),
            ("CIRCLE_SHA1", commit.clone()),
            ("BASH_ENV", text(stage.join("bash_env"))),
            ("GITHUB_SHA", commit),
            ("GITHUB_ENV", text(stage.join("github_env"))),
            ("GITHUB_PATH", text(stage.join("github_path"))),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_ACCESS_KEY_ID", account.id.clone()),
            ("AWS_SECRET_ACCESS_KEY", "test".into()),
            ("AWS_ENDPOINT_URL", account.stack["AWS_ENDPOINT_URL"].into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("AWS_ECR_ACCOUNT_URL", registry.into()),
            ("BASE_IMAGE", format!("{registry}/base/{base}")),
            ("DOCKLESS_URL", format!("file://{}", binary.display())),
            ("DOCKLESS_SHA256", hex::encode(Sha256::digest(fs::read(binary).unwrap()))),
        ];
        fs::write(stage.join("bash_env"), "").unwrap();
        Job { checkout, env: env.map(|(name, value)| (name.to_owned(), value)).into() }
    }

    /// Both systems run a step in a bash that ends at the first failure.
    pub fn run(&mut self, step: &str) {
        let Output { status, stdout, stderr } = Command::new("bash")
            .args(["-eo", "pipefail", "-c", step])
            .current_dir(&self.checkout)
            .env_clear()
            .envs(&self.env)
            .output()
            .expect("bash is there");
        let said = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(status.success(), "{status} of\n{step}\n{said}");
        let left = fs::read_to_string(&self.env["GITHUB_ENV"]).unwrap_or_default();
        self.env.extend(
            left.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())),
        );
    }

    pub fn pushed_manifest(&self, repository: &str) -> String {
        let (registry, commit) = (&self.env["AWS_ECR_ACCOUNT_URL"], &self.env["CIRCLE_SHA1"]);
        let accept =
            "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
        curl(&["-H", accept, &format!("http://{registry}/v2/{repository}/manifests/{commit}")])
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_name() == "target" {
            continue; // what a build on this machine left there
        } else if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
