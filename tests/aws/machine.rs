//! What the machine gives: variables, files, certificates. Variables belong to a process, so these tests run parts of
//! this very binary as children with an environment of their own.

use std::path::Path;
use std::sync::Arc;

use dockless::aws::ecs::Operation::ListTasks;
use dockless::aws::{Options, Patience, Session};
use dockless::report::{Events, Explain};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;

use crate::support::aws::{FakeAws, Reply, impatient};

/// What a child does and prints.
#[tokio::test]
#[ignore = "run by others as a child process"]
async fn child() {
    let profile = std::env::var("CHILD_PROFILE").ok();
    let options = Options { profile, patience: impatient(), ..Options::default() };
    let said = match Session::open(options, Events::none()).await {
        Ok(session) => session.ecs().call(ListTasks, json!({})).await.map(|_| session.region().to_owned()),
        Err(error) => Err(error),
    };
    match said {
        Ok(region) => println!("CHILD ok {region}"),
        Err(error) => println!("CHILD {error} | {}", error.hint().unwrap_or_default()),
    }
}

async fn run_child(home: &Path, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "aws::machine::child", "--ignored", "--nocapture"]).env_clear();
    command.env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true").envs(variables.iter().copied());
    let output = command.output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = text.split_once("CHILD ").map(|(_, said)| said.lines().next().unwrap_or_default().to_owned());
    said.unwrap_or_else(|| panic!("{text} {}", String::from_utf8_lossy(&output.stderr)))
}

#[tokio::test]
async fn variables_give_region_keys_and_endpoint() {
    let (aws, home) = (FakeAws::start().await, tempfile::tempdir().unwrap());
    aws.answer("ListTasks", Reply::json(json!({})));
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_REGION", "eu-north-1")];
    for endpoint in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECS"] {
        let variables = [&keys[..], &[(endpoint, aws.url()), ("CHILD_PROFILE", "default")]].concat();
        assert_eq!(run_child(home.path(), &variables).await, "ok eu-north-1", "{endpoint}");
    }
    let received = aws.received();
    assert_eq!(received.len(), 2);
    assert!(received[0].header("authorization").contains("Credential=AKIAENV/"));
}

#[tokio::test]
async fn profile_gives_region_and_keys() {
    let (aws, home) = (FakeAws::start().await, tempfile::tempdir().unwrap());
    aws.answer("ListTasks", Reply::json(json!({})));
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let config = "[profile ci]\nregion = sa-east-1\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n";
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    // A profile that was asked for comes before keys that happen to be around.
    let variables = [
        ("AWS_ENDPOINT_URL", aws.url()),
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("CHILD_PROFILE", "ci"),
    ];
    assert_eq!(run_child(home.path(), &variables).await, "ok sa-east-1");
    assert!(aws.received()[0].header("authorization").contains("Credential=AKIAPROFILE/"));
}

#[tokio::test]
async fn machine_without_credentials_says_where_it_looked() {
    let home = tempfile::tempdir().unwrap();
    let said = run_child(home.path(), &[("AWS_REGION", "eu-north-1")]).await;
    assert!(said.starts_with("no AWS credentials were found |"), "{said}");
    assert!(said.contains("AWS_ACCESS_KEY_ID") && said.contains("AWS_WEB_IDENTITY_TOKEN_FILE"), "{said}");
}

#[tokio::test]
async fn variable_with_a_bad_endpoint_is_blamed() {
    let home = tempfile::tempdir().unwrap();
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_REGION", "eu-north-1")];
    let said = run_child(home.path(), &[&keys[..], &[("AWS_ENDPOINT_URL", "nonsense")]].concat()).await;
    assert!(said.starts_with("ecs:ListTasks in eu-north-1 could not be asked: "), "{said}");
    assert!(said.contains("`nonsense`") && said.contains("Look at AWS_ENDPOINT_URL"), "{said}");
}

#[tokio::test]
async fn profile_that_does_not_exist_is_named() {
    let home = tempfile::tempdir().unwrap();
    let said = run_child(home.path(), &[("AWS_REGION", "eu-north-1"), ("CHILD_PROFILE", "gone")]).await;
    assert!(said.contains("'gone'") && said.contains("~/.aws/config"), "{said}");
}

#[tokio::test]
async fn machine_without_region_says_how_to_give_one() {
    let home = tempfile::tempdir().unwrap();
    let said = run_child(home.path(), &[]).await;
    assert!(said.starts_with("no AWS region is known |") && said.contains("--region"), "{said}");
    let said = run_child(home.path(), &[("CHILD_PROFILE", "gone")]).await;
    assert!(said.contains("--region") && said.contains("mend profile 'gone'"), "{said}");
}

/// Puts TLS, with a certificate that nobody knows, in front of a server. Gives its URL and certificate.
async fn behind_tls(aws: &FakeAws) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key.into()).unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let behind = aws.url().trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            let mut onward = TcpStream::connect(&behind).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut socket, &mut onward).await.ok() });
        }
    });
    (url, made.cert.pem())
}

#[tokio::test]
async fn bundle_makes_a_private_authority_trusted() {
    let aws = FakeAws::start().await;
    aws.answer("ListTasks", Reply::json(json!({})));
    let (url, certificate) = behind_tls(&aws).await;
    let bundle = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(bundle.path(), certificate).unwrap();
    let patience = Patience { attempts: 1, ..impatient() };
    let without = Options { endpoint_url: Some(url), patience, ..aws.options() };
    let with = Options { ca_bundle: Some(bundle.path().to_owned()), ..without.clone() };
    let call =
        async |options| Session::open(options, Events::none()).await.unwrap().ecs().call(ListTasks, json!({})).await;
    call(with).await.unwrap();
    let error = call(without).await.unwrap_err();
    assert!(error.hint().unwrap().contains("AWS_CA_BUNDLE"), "{error}");
}
