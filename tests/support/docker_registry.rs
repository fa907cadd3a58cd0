//! Debian's `docker-registry` as a second opinion: strict about content, the way most private registries are.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running registry with storage of its own; it ends with this value.
pub struct DockerRegistry {
    host: String,
    certificate: Option<String>,
    child: Child,
    _dir: TempDir,
}

impl DockerRegistry {
    /// Plain HTTP, open to all.
    pub fn start() -> DockerRegistry {
        DockerRegistry::spawn(None)
    }

    /// TLS, and Basic with user `AWS` and this password.
    pub fn start_tls(password: &str) -> DockerRegistry {
        DockerRegistry::spawn(Some(password))
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().expect("a registry with TLS")
    }

    fn spawn(password: Option<&str>) -> DockerRegistry {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let host = format!("127.0.0.1:{}", free_port());
        let certificate = password.map(|password| secure(dir.path(), password));
        let path = dir.path().join("config.yml");
        std::fs::write(&path, config(dir.path(), &host, password.is_some())).expect("a configuration");
        let child = program("docker-registry")
            .arg("serve")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|why| panic!("docker-registry: {why}; scripts/test installs what the tests need"));
        let registry = DockerRegistry { host, certificate, child, _dir: dir };
        registry.wait();
        registry
    }

    fn wait(&self) {
        let begin = Instant::now();
        while std::net::TcpStream::connect(&self.host).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "docker-registry does not listen on {}", self.host);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command with nothing of this process's environment but the path.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Runs a program to its end; it has to succeed.
pub fn run(command: &mut Command) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().unwrap_or_else(|why| panic!("{name}: {why}; scripts/test installs what the tests need"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Certificate, key and password file; the certificate, PEM.
fn secure(dir: &Path, password: &str) -> String {
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    std::fs::write(dir.join("cert.pem"), made.cert.pem()).expect("a certificate file");
    std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).expect("a key file");
    let line = run(program("htpasswd").args(["-Bbn", "AWS", password]));
    std::fs::write(dir.join("htpasswd"), line).expect("a password file");
    made.cert.pem()
}

fn config(dir: &Path, host: &str, secure: bool) -> String {
    let dir = dir.display();
    let mut text = format!(
        "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {dir}/data }} }}\nhttp:\n  addr: {host}\n  secret: test\n"
    );
    if secure {
        text += &format!("  tls: {{ certificate: {dir}/cert.pem, key: {dir}/key.pem }}\n");
        text += &format!("auth: {{ htpasswd: {{ realm: test, path: {dir}/htpasswd }} }}\n");
    }
    text
}
