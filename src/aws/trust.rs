//! Whom to trust on the wire: the machine's certificate authorities and those of a CA bundle, or, on a machine that
//! has none (a `scratch` image), Mozilla's, which are compiled in. Everything is parsed here first: the SDK's client
//! panics on a certificate that it cannot read.

use std::path::Path;
use std::sync::Arc;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use base64::Engine;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::Error;

/// Certificate authorities that were looked at and are fit for use.
#[derive(Debug, Clone)]
pub(super) struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    pub fn load(ca_bundle: Option<&Path>) -> Result<Roots, Error> {
        let mut roots = machine_roots();
        if let Some(path) = ca_bundle {
            roots.extend(bundle(path)?);
        }
        Ok(Roots(roots))
    }

    fn store(&self) -> rustls::RootCertStore {
        let mut store = rustls::RootCertStore::empty();
        store.add_parsable_certificates(self.0.iter().cloned());
        store
    }

    fn pem(&self) -> String {
        self.0.iter().map(|certificate| armour(certificate)).collect()
    }

    /// For the SDK: proxies come from the usual variables.
    pub fn sdk_client(&self) -> Result<SharedHttpClient, Error> {
        let trust = TrustStore::empty().with_pem_certificate(self.pem());
        let context = TlsContext::builder().with_trust_store(trust).build();
        let context = context.map_err(|why| Error::Tls(why.to_string()))?;
        Ok(Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder();
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(|c| c.sleep_impl()));
            let connector = connector.proxy_config(ProxyConfig::from_env());
            connector.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context.clone()).build()
        }))
    }

    /// For plain HTTPS requests beside the SDK.
    pub fn web_client(&self) -> Result<reqwest::Client, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(|why| Error::Tls(why.to_string()))?;
        let tls = tls.with_root_certificates(self.store()).with_no_client_auth();
        reqwest::Client::builder().tls_backend_preconfigured(tls).build().map_err(|why| Error::Tls(why.to_string()))
    }
}

fn usable(certificate: &CertificateDer<'static>) -> Result<(), rustls::Error> {
    rustls::RootCertStore::empty().add(certificate.clone())
}

fn machine_roots() -> Vec<CertificateDer<'static>> {
    let native = rustls_native_certs::load_native_certs().certs;
    let native: Vec<_> = native.into_iter().filter(|certificate| usable(certificate).is_ok()).collect();
    if native.is_empty() { webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec() } else { native }
}

fn bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let refuse = |why: String| Error::CaBundle { path: path.to_owned(), why };
    let text = std::fs::read(path).map_err(|why| refuse(why.to_string()))?;
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let number = found.len() + 1;
        let certificate = certificate.map_err(|why| refuse(format!("certificate {number}: {why}")))?;
        usable(&certificate).map_err(|why| refuse(format!("certificate {number}: {why}")))?;
        found.push(certificate);
    }
    if found.is_empty() { Err(refuse("it holds no PEM certificate".into())) } else { Ok(found) }
}

fn armour(certificate: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let lines = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII"));
    let body: String = lines.flat_map(|line| [line, "\n"]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Roots, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Roots::load(Some(file.path()))
    }

    #[test]
    fn bundle_of_nonsense_is_refused_with_its_path() {
        let bad_base64 = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
        let not_a_certificate = armour(b"hello");
        for text in ["", "nonsense", bad_base64, &not_a_certificate] {
            assert!(matches!(load(text), Err(Error::CaBundle { .. })), "{text}");
        }
        assert!(Roots::load(Some(Path::new("/does/not/exist.pem"))).unwrap_err().to_string().contains("exist.pem"));
    }

    #[test]
    fn bundle_adds_to_what_the_machine_trusts() {
        let own = rcgen::generate_simple_self_signed(["ca.test".to_owned()]).unwrap().cert.pem();
        let roots = load(&own).unwrap();
        assert_eq!(roots.0.len(), machine_roots().len() + 1);
        roots.sdk_client().unwrap();
        roots.web_client().unwrap();
    }

    #[test]
    fn armoured_certificates_survive_the_round_trip() {
        let roots: Vec<_> = webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
        let pem = Roots(roots.clone()).pem();
        let back: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        assert_eq!(back.unwrap(), roots);
    }
}
