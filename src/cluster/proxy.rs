//! Which proxy a server is reached through, by the rules that kubectl (Go's net/http) has.
//!
//! kube 5 compares `NO_PROXY` with the proxy's own address and sends loopback through proxies; so this is ours.

use std::net::IpAddr;

/// The variables that matter, read once: upper case wins, as in Go.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProxyEnv {
    pub(crate) https: Option<String>,
    pub(crate) http: Option<String>,
    pub(crate) no_proxy: Option<String>,
}

impl ProxyEnv {
    pub(crate) fn from_env() -> Self {
        let any = |names: [&str; 2]| names.iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()));
        Self {
            https: any(["HTTPS_PROXY", "https_proxy"]),
            http: any(["HTTP_PROXY", "http_proxy"]),
            no_proxy: any(["NO_PROXY", "no_proxy"]),
        }
    }

    /// The proxy for `server`: the kubeconfig's own always, else the environment's unless `NO_PROXY` excludes it.
    /// `Err` holds the text that is not an address.
    pub(crate) fn choose(&self, own: Option<&str>, server: &http::Uri) -> Result<Option<http::Uri>, String> {
        if let Some(own) = own.filter(|p| !p.is_empty()) {
            return address(own).map(Some);
        }
        let secure = server.scheme_str() != Some("http");
        let Some(found) = (if secure { &self.https } else { &self.http }).as_deref() else { return Ok(None) };
        if self.excludes(server) {
            return Ok(None);
        }
        address(found).map(Some)
    }

    fn excludes(&self, server: &http::Uri) -> bool {
        let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
        let ip: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return true;
        }
        let list = self.no_proxy.as_deref().unwrap_or_default();
        list.split(',').map(str::trim).filter(|e| !e.is_empty()).any(|entry| matches(entry, &host, port, ip))
    }
}

fn address(text: &str) -> Result<http::Uri, String> {
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    // Resolving at the proxy or here makes no difference to a server that only the proxy can reach.
    let full = full.replacen("socks5h://", "socks5://", 1);
    // The text may hold a password: it is not repeated in the error.
    full.parse().map_err(|_| "the proxy's address is not a URL".to_owned())
}

/// A proxy's address as it may be shown: without name and password.
pub(crate) fn shown(proxy: &http::Uri) -> String {
    let port = proxy.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", proxy.scheme_str().unwrap_or("http"), proxy.host().unwrap_or_default())
}

/// An address without name and password, else as it was written.
pub(crate) fn without_user(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let Some((_, host)) = authority.rsplit_once('@') else { return address.to_owned() };
    let dots = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{dots}{host}{path}")
}

fn matches(entry: &str, host: &str, port: u16, ip: Option<IpAddr>) -> bool {
    if entry == "*" {
        return true;
    }
    let entry = entry.to_ascii_lowercase();
    if let (Some((net, bits)), Some(ip)) = (entry.split_once('/'), ip) {
        return in_network(ip, net, bits);
    }
    let (name, wanted) = split_port(&entry);
    if wanted.is_some_and(|p| p != port) {
        return false;
    }
    if let Ok(entry_ip) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
        return ip == Some(entry_ip);
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn in_network(ip: IpAddr, net: &str, bits: &str) -> bool {
    let (Ok(net), Ok(bits)) = (net.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    match (ip, net) {
        (IpAddr::V4(ip), IpAddr::V4(net)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            ip.to_bits() & mask == net.to_bits() & mask
        }
        (IpAddr::V6(ip), IpAddr::V6(net)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            ip.to_bits() & mask == net.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_password_in_an_address_are_not_shown() {
        for (address, shown) in [
            ("https://bob:se@kret@a:6443/base@b", "https://a:6443/base@b"),
            ("bob:sekret@a", "a"),
            ("https://a:6443/", "https://a:6443/"),
            ("https://[::1]:6443?x=@", "https://[::1]:6443?x=@"),
        ] {
            assert_eq!(without_user(address), shown);
        }
    }

    fn chosen(no_proxy: &str, server: &str) -> bool {
        let env = ProxyEnv { https: Some("proxy:3128".into()), http: None, no_proxy: Some(no_proxy.into()) };
        env.choose(None, &server.parse().expect("a URI")).expect("an address").is_some()
    }

    #[test]
    fn no_proxy_is_about_the_cluster() {
        for excluded in ["*", "api.corp", ".corp", "corp", "*.corp", "x, api.corp:6443", "API.CORP"] {
            assert!(!chosen(excluded, "https://api.corp:6443"), "{excluded}");
        }
        for other in ["", "proxy", "pi.corp", "api.corp:443", "10.0.0.0/8", "api.corp.other"] {
            assert!(chosen(other, "https://api.corp:6443"), "{other}");
        }
        assert!(!chosen("10.0.0.0/8", "https://10.1.2.3:6443"));
        assert!(chosen("10.0.0.0/16", "https://10.1.2.3:6443"));
        assert!(!chosen("fd00::/8", "https://[fd00::1]:6443"));
    }

    #[test]
    fn loopback_is_never_proxied_and_the_kubeconfig_wins() {
        assert!(!chosen("", "https://127.0.0.1:6443") && !chosen("", "https://localhost"));
        let env = ProxyEnv { no_proxy: Some("*".into()), ..ProxyEnv::default() };
        let server = "https://api".parse().expect("a URI");
        let own = env.choose(Some("socks5h://p:1080"), &server).expect("an address").expect("a proxy");
        assert_eq!(own.to_string(), "socks5://p:1080/");
        assert!(env.choose(Some("http://a b"), &server).is_err());
        assert_eq!(shown(&"http://me:word@p:3128".parse().expect("a URI")), "http://p:3128");
    }

    #[test]
    fn plain_http_uses_the_other_variable() {
        let env = ProxyEnv { https: Some("a:1".into()), ..ProxyEnv::default() };
        assert_eq!(env.choose(None, &"http://api".parse().expect("a URI")), Ok(None));
    }
}
