//! What is checked of the server's certificate: one rustls configuration for both kinds of connection.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

use super::error::TlsError;
use super::settings::{PostgresSettings, TlsMode};

/// The rustls configuration of these settings; none when TLS is disabled.
///
/// # Errors
/// When `ca_file` cannot be read, or `verify-full` finds no trusted authority at all.
pub(super) fn client_config(settings: &PostgresSettings) -> Result<Option<ClientConfig>, TlsError> {
    let check_name = match settings.tls {
        TlsMode::Disable => return Ok(None),
        TlsMode::Prefer | TlsMode::Require => false,
        TlsMode::VerifyFull => true,
    };
    checked_config(settings.ca_file.as_deref(), check_name, rustls::DEFAULT_VERSIONS).map(Some)
}

/// A configuration that trusts the certificates of `ca_file`. Without one, it trusts what this machine trusts if
/// the name is to be checked, else any certificate.
///
/// # Errors
/// As [`client_config`].
pub(super) fn checked_config(
    ca_file: Option<&Path>,
    check_name: bool,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ClientConfig, TlsError> {
    let authorities = match ca_file {
        Some(path) => read_ca_file(path)?,
        None if check_name => rustls_native_certs::load_native_certs().certs,
        None => Vec::new(),
    };
    if check_name && authorities.is_empty() {
        return Err(TlsError::NoTrustedRoots);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        Verifier::new(authorities, check_name, Arc::clone(&provider)).map_err(|error| match ca_file {
            Some(path) => TlsError::CaFile {
                path: path.to_owned(),
                reason: "none of its certificates can be read as an authority".to_owned(),
            },
            None => error,
        })?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(TlsError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn read_ca_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |reason: String| TlsError::CaFile { path: path.to_owned(), reason };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(error.to_string()))?;
    if certificates.is_empty() {
        return Err(unreadable("it holds no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}

/// Checks as much of a certificate as the mode asks for.
///
/// Signatures of the handshake are checked whenever the certificate is. Where any certificate will do, a signature
/// by its key proves nothing, and checking it would refuse servers whose self-made certificate is of an old version or has
/// a small key.
#[derive(Debug)]
struct Verifier {
    /// None: any certificate will do, the connection is encrypted and no more.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates that are trusted as they are. Self-signed server certificates are common on premises,
    /// and the chain check refuses them because they say of themselves to be an authority.
    pinned: Vec<CertificateDer<'static>>,
    check_name: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(
        authorities: Vec<CertificateDer<'static>>,
        check_name: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities.iter().cloned());
        let chain = if authorities.is_empty() {
            None
        } else {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            Some(builder.build().map_err(|_| TlsError::NoTrustedRoots)?)
        };
        Ok(Self { chain, pinned: authorities, check_name, provider })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        if self.pinned.contains(end_entity) {
            if self.check_name {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&parsed, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is the last thing that is checked: the chain was found good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.check_name => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if self.chain.is_none() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if self.chain.is_none() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
