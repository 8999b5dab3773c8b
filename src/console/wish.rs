//! What the settings of a context wish of a source of numbers.

use crate::{
    cluster::{Problem, ProblemKind},
    config::context::PrometheusSettings,
    metrics::{Wish, source::Where},
};

/// The wish, or what is wrong with the settings.
pub fn wish(said: &PrometheusSettings) -> Result<Wish, Problem> {
    let wrong = |why: &str, hint: &str| {
        Problem::new(ProblemKind::BadConfig, "can't use the settings for prometheus", why, hint)
    };
    let prometheus = match &said.place {
        None => Where::Find,
        Some(text) => Where::parse(text).ok_or_else(|| {
            let hint =
                "It takes \"auto\", \"off\", an address that begins with https://, or \"NAMESPACE/SERVICE:PORT\".";
            wrong(&format!("«{text}» is none of what prometheus takes"), hint)
        })?,
    };
    let certificate = match (&said.certificate, &said.key) {
        (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
        (None, None) => None,
        _ => return Err(wrong("a certificate needs its key", "Set prometheus-certificate and prometheus-key.")),
    };
    let signs_in = said.token_file.is_some() || certificate.is_some() || said.cluster_token;
    if signs_in && !matches!(prometheus, Where::Url(_)) {
        let hint = "Set prometheus to the address that the credential is for.";
        return Err(wrong("a credential is set, but no address to show it to", hint));
    }
    Ok(Wish {
        prometheus,
        ca: said.ca.clone(),
        token_file: said.token_file.clone(),
        certificate,
        cluster_token: said.cluster_token,
        tenancy: said.tenancy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_told() {
        assert_eq!(wish(&PrometheusSettings::default()), Ok(Wish::default()));
        let place = |text: &str| PrometheusSettings { place: Some(text.into()), ..PrometheusSettings::default() };
        assert!(wish(&place("https://p:9090")).is_ok());
        assert!(wish(&place("p:9090")).is_err_and(|problem| problem.why.as_str().contains("«p:9090»")));
        let half = PrometheusSettings { certificate: Some("/c".into()), ..place("https://p") };
        assert!(wish(&half).is_err_and(|problem| problem.hint.as_str().contains("prometheus-key")));
        let nowhere = PrometheusSettings { cluster_token: true, ..PrometheusSettings::default() };
        assert!(wish(&nowhere).is_err(), "a token is for an address that the user names");
    }
}
