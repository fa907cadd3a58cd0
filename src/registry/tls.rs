//! Whom to trust: the machine's certificate authorities (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured), a copy
//! of Mozilla's when the machine has none (a container made from scratch), and a bundle that the user names.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::Error;
use crate::report::Events;

/// A TLS configuration that offers these protocols (ALPN).
pub(super) fn configure(ca_bundle: Option<&Path>, alpn: &[&str], events: &Events) -> Result<ClientConfig, Error> {
    let mut roots = machine_roots(events);
    if let Some(path) = ca_bundle {
        add_bundle(&mut roots, path)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|why| Error::Setup { why: why.to_string() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(config)
}

fn machine_roots(events: &Events) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        for why in native.errors {
            events.warn(
                format!("the machine's certificate authorities could not be read: {why}"),
                Some("Mozilla's list is used instead; check SSL_CERT_FILE and SSL_CERT_DIR.".into()),
            );
        }
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    }
    roots
}

fn add_bundle(roots: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    let refuse = |why: String| Error::CaBundle { path: path.to_owned(), why };
    let pem = std::fs::read(path).map_err(|why| refuse(why.to_string()))?;
    let certificates: Vec<CertificateDer> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|why| refuse(format!("not valid PEM: {why}")))?;
    if certificates.is_empty() {
        return Err(refuse("there is no certificate in it".into()));
    }
    for certificate in certificates {
        roots.add(certificate).map_err(|why| refuse(format!("a certificate in it is broken: {why}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(text: &str) -> Result<ClientConfig, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        configure(Some(file.path()), &["http/1.1"], &Events::none())
    }

    #[test]
    fn ca_bundle_that_is_none_is_refused_with_its_path() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA";
        for text in ["", "hello", broken, cut] {
            assert!(matches!(bundle(text), Err(Error::CaBundle { .. })), "{text:?}");
        }
        let missing = configure(Some(Path::new("/does/not/exist.pem")), &[], &Events::none()).unwrap_err();
        assert!(missing.to_string().contains("/does/not/exist.pem"), "{missing}");
    }

    #[test]
    fn ca_bundle_is_added_to_the_machines_own() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        assert!(bundle(&made.cert.pem()).is_ok());
    }
}
