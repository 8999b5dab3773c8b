//! Releases of Kubernetes that can be played, and what is different in them for a client.

use serde_json::{Value, json};

/// A release. What is not told apart here is as in the newest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// 1.27: aggregated discovery as v2beta1, no streaming lists.
    V1_27,
    /// 1.31: aggregated discovery as v2, no streaming lists.
    V1_31,
    /// 1.36.
    #[default]
    V1_36,
}

impl Release {
    /// The second number.
    pub fn minor(self) -> u32 {
        match self {
            Self::V1_27 => 27,
            Self::V1_31 => 31,
            Self::V1_36 => 36,
        }
    }

    /// As `/version` says it.
    pub fn git_version(self) -> &'static str {
        match self {
            Self::V1_27 => "v1.27.16",
            Self::V1_31 => "v1.31.14",
            Self::V1_36 => "v1.36.2",
        }
    }

    /// The versions of aggregated discovery that are spoken.
    pub fn discoveries(self) -> &'static [&'static str] {
        match self {
            Self::V1_27 => &["v2beta1"],
            Self::V1_31 => &["v2", "v2beta1"],
            Self::V1_36 => &["v2"],
        }
    }

    /// Whether pods can be resized by a path of its own (1.33).
    pub fn resizes(self) -> bool {
        self.minor() >= 33
    }

    /// Whether a watch can begin with what is there (`sendInitialEvents`): by default since 1.32.
    pub fn streams_lists(self) -> bool {
        self.minor() >= 32
    }

    /// Whether entering a container by `WebSocket` needs the right to create, too: since 1.35.
    pub fn connecting_creates(self) -> bool {
        self.minor() >= 35
    }

    /// Whether ports can be forwarded by SPDY inside a `WebSocket`: by default since 1.31.
    pub fn tunnels(self) -> bool {
        self.minor() >= 31
    }

    /// Whether who asks for Endpoints is told of slices: since 1.33.
    pub fn deprecates_endpoints(self) -> bool {
        self.minor() >= 33
    }

    /// Whether the end of a stream can be told in a `WebSocket` (protocol v5): by default since 1.30.
    pub fn closes_streams(self) -> bool {
        self.minor() >= 30
    }

    /// A kubelet's words for an image that was pulled in so many seconds.
    pub fn pulled(self, image: &str, took: f64, size: u64) -> String {
        let size = if self.minor() >= 30 { format!(". Image size: {size} bytes.") } else { String::new() };
        format!("Successfully pulled image {image:?} in {took:.3}s ({took:.3}s including waiting){size}")
    }

    /// A kubelet's words for an image that it has.
    pub fn present(self, image: &str) -> String {
        let more = if self.minor() >= 35 { " and can be accessed by the pod" } else { "" };
        format!("Container image {image:?} already present on machine{more}")
    }

    /// A kubelet's words for a container that was made.
    pub fn created(self, container: &str) -> String {
        match self.minor() {
            35.. => "Container created".to_owned(),
            32..35 => format!("Created container: {container}"),
            _ => format!("Created container {container}"),
        }
    }

    /// A kubelet's words for a container that runs.
    pub fn started(self, container: &str) -> String {
        if self.minor() >= 35 { "Container started".to_owned() } else { format!("Started container {container}") }
    }

    /// The answer of `/version`.
    pub fn version(self) -> Value {
        let minor = self.minor().to_string();
        let mut version = json!({
            "major": "1", "minor": minor, "gitVersion": self.git_version(), "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "2026-06-10T00:00:00Z", "goVersion": "go1.25", "compiler": "gc", "platform": "linux/amd64",
        });
        if self.minor() >= 32 {
            version["emulationMajor"] = json!("1");
            version["emulationMinor"] = json!(minor);
        }
        version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubelets_have_had_several_words_for_the_same() {
        let said = |release: Release| [release.created("c"), release.started("c"), release.pulled("i", 1.0, 5)];
        let pulled = "Successfully pulled image \"i\" in 1.000s (1.000s including waiting)";
        assert_eq!(said(Release::V1_27), ["Created container c", "Started container c", pulled]);
        let sized = format!("{pulled}. Image size: 5 bytes.");
        assert_eq!(said(Release::V1_31), ["Created container c", "Started container c", sized.as_str()]);
        assert_eq!(said(Release::V1_36), ["Container created", "Container started", sized.as_str()]);
    }
}
