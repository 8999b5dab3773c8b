//! Taints and tolerations, of nodes and of Kueue's flavors.

use serde_json::Value;

use super::text::Sym;

/// A taint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taint {
    /// Its key.
    pub key: Sym,
    /// Its value, often empty.
    pub value: Sym,
    /// `NoSchedule`, `NoExecute`, `PreferNoSchedule`.
    pub effect: Sym,
}

/// What keeps a taint from counting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toleration {
    /// The taint's key; empty: any.
    pub key: Sym,
    /// Any value will do.
    pub exists: bool,
    /// The taint's value, unless any will do.
    pub value: Sym,
    /// The taint's effect; empty: any.
    pub effect: Sym,
}

impl Taint {
    /// The taints of a Node.
    pub fn all_of(node: &Value) -> Vec<Self> {
        let text = |taint: &Value, field: &str| Sym::new(taint[field].as_str().unwrap_or_default());
        let each = node["spec"]["taints"].as_array().into_iter().flatten();
        each.map(|t| Self { key: text(t, "key"), value: text(t, "value"), effect: text(t, "effect") }).collect()
    }

    /// Whether pods without a toleration for it stay away.
    pub fn is_hard(&self) -> bool {
        self.effect.as_str() != "PreferNoSchedule"
    }

    /// Whether one of these tolerations is for it.
    pub fn is_tolerated(&self, by: &[Toleration]) -> bool {
        by.iter().any(|t| {
            (t.key.is_empty() || t.key == self.key)
                && (t.effect.is_empty() || t.effect == self.effect)
                && (t.exists || t.value == self.value)
        })
    }
}

impl Toleration {
    /// The tolerations of a pod spec.
    pub fn all_of(spec: &Value) -> Vec<Self> {
        let text = |toleration: &Value, field: &str| Sym::new(toleration[field].as_str().unwrap_or_default());
        let each = spec["tolerations"].as_array().into_iter().flatten();
        each.map(|t| Self {
            key: text(t, "key"),
            exists: t["operator"] == "Exists",
            value: text(t, "value"),
            effect: text(t, "effect"),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_toleration_is_for_a_taint_by_key_value_and_effect() {
        let taint = Taint { key: Sym::new("gpu"), value: Sym::new("present"), effect: Sym::new("NoSchedule") };
        let by = |toleration: Value| taint.is_tolerated(&Toleration::all_of(&json!({"tolerations": [toleration]})));
        assert!(by(json!({"operator": "Exists"})) && by(json!({"key": "gpu", "operator": "Exists"})));
        assert!(by(json!({"key": "gpu", "value": "present", "effect": "NoSchedule"})));
        assert!(!by(json!({"key": "gpu", "value": "absent"})) && !by(json!({"key": "other", "operator": "Exists"})));
        assert!(!by(json!({"key": "gpu", "operator": "Exists", "effect": "NoExecute"})));
        assert!(!taint.is_tolerated(&[]) && taint.is_hard());
    }
}
