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
