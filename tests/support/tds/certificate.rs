//! Certificates of a server.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData as _, SigningKey as _,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

/// A server's certificate and what signed it, in PEM form.
#[derive(Clone)]
pub struct Certificates {
    pub authority: String,
    pub server: String,
    key: String,
}

impl Certificates {
    /// Signed by an authority.
    pub fn for_host(host: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server =
            CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        Self { authority: authority.pem(), server: server.pem(), key: key.serialize_pem() }
    }

    /// Signed by itself, and saying of itself to be an authority: what `openssl req -x509` makes.
    pub fn self_signed(host: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let server = params.self_signed(&key).unwrap().pem();
        Self { authority: server.clone(), server, key: key.serialize_pem() }
    }

    /// What SQL Server makes for itself when it is given no certificate: X.509 version 1, for no host, by nobody.
    pub fn fallback() -> Self {
        let key = KeyPair::generate().unwrap();
        let der = |tag: u8, content: &[u8]| {
            let length = match content.len() {
                length @ 0..128 => vec![length as u8],
                length @ 128..256 => vec![0x81, length as u8],
                length => vec![0x82, (length >> 8) as u8, length as u8],
            };
            [&[tag][..], &length, content].concat()
        };
        let (sequence, set) = (0x30, 0x31);
        // ecdsa-with-SHA256 and commonName.
        let algorithm = der(sequence, &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]);
        let common_name =
            [&[0x06, 0x03, 0x55, 0x04, 0x03][..], &der(0x0C, b"SSL_Self_Signed_Fallback")].concat();
        let name = der(sequence, &der(set, &der(sequence, &common_name)));
        let validity = der(sequence, &[der(0x17, b"200101000000Z"), der(0x17, b"491231235959Z")].concat());
        let content =
            [der(0x02, &[1]), algorithm.clone(), name.clone(), validity, name, key.subject_public_key_info()];
        let content = der(sequence, &content.concat());
        let signature = [vec![0], key.sign(&content).unwrap()].concat();
        let whole = der(sequence, &[content, algorithm, der(0x03, &signature)].concat());
        let server = in_pem(&whole);
        Self { authority: server.clone(), server, key: key.serialize_pem() }
    }

    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        let certificate = CertificateDer::from_pem_slice(self.server.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = provider.key_provider.load_private_key(key).unwrap();
        // Not checked for use, because the fallback would not pass.
        let certified = CertifiedKey::new(vec![certificate], key);
        let config = ServerConfig::builder_with_provider(provider)
            // As SQL Server: 1.3 comes with TDS 8.0 only.
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        Arc::new(config)
    }
}

fn in_pem(der: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in der.chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for index in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * index)) as usize & 63];
            text.push(if index > three.len() { '=' } else { letter.into() });
        }
    }
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
