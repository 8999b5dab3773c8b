//! Tokens: those of the users, made at start, and those that service accounts ask for, which say of themselves whose they
//! are and how long they hold.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

/// What a token says of how it is signed. A real server signs with RSA: nobody but the server checks it.
const HEAD: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// 192 random bits.
pub(super) fn random() -> Result<String, String> {
    let mut bytes = [0_u8; 24];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "no random numbers for tokens".to_owned())?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Signs tokens, and knows its own.
#[derive(Debug)]
pub(super) struct Signer(hmac::Key);

impl Signer {
    /// A signer with a key of its own.
    pub(super) fn new() -> Result<Self, String> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        key.map(Self).map_err(|_| "no random numbers for a key".to_owned())
    }

    /// A token that says these things.
    pub(super) fn sign(&self, claims: &Value) -> String {
        let said = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        let text = format!("{}.{said}", BASE64_URL_SAFE_NO_PAD.encode(HEAD));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, text.as_bytes()));
        format!("{text}.{signature}")
    }

    /// What a token of ours says; `None` for any other.
    pub(super) fn read(&self, token: &str) -> Option<Value> {
        let (text, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.0, text.as_bytes(), &signature).ok()?;
        let (_, said) = text.split_once('.')?;
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(said).ok()?).ok()
    }
}

/// Whose a service account's token is, from when to when (seconds of the epoch), and for whom.
pub(super) struct Claims<'c> {
    pub(super) namespace: &'c str,
    pub(super) name: &'c str,
    pub(super) uid: &'c str,
    pub(super) id: String,
    pub(super) issuer: &'c str,
    pub(super) audiences: &'c Value,
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Claims<'_> {
    /// As a token carries them.
    pub(super) fn value(&self, subject: &str) -> Value {
        let account = json!({"name": self.name, "uid": self.uid});
        json!({
            "aud": self.audiences, "exp": self.until, "iat": self.from, "iss": self.issuer, "jti": self.id,
            "kubernetes.io": {"namespace": self.namespace, "serviceaccount": account},
            "nbf": self.from, "sub": subject,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signer_reads_its_own_tokens_alone() {
        let (ours, other) = (Signer::new().unwrap(), Signer::new().unwrap());
        let said = json!({"sub": "system:serviceaccount:n:a"});
        let token = ours.sign(&said);
        assert_eq!(ours.read(&token), Some(said));
        assert_eq!(other.read(&token), None);
        assert_eq!(ours.read(&token.replacen('.', ".e", 1)), None);
        assert_eq!(ours.read("x"), None);
        assert_ne!(random().unwrap(), random().unwrap());
    }
}
