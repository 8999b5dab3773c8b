//! Bodies in protobuf, which kubectl sends for kinds that it knows: read into the same tree as JSON.
//!
//! Only what people create by hand or ask about themselves is known; the rest is refused with 415. Field numbers are
//! those of the published `generated.proto` files of Kubernetes.

use serde_json::{Map, Value, json};

/// What is before every body of this kind.
const MAGIC: &[u8] = b"k8s\0";

/// How a field's bytes are read.
enum Field {
    Text,
    Texts,
    Bool,
    /// A map from text to text.
    TextMap,
    /// A map from text to bytes, in JSON base64.
    BytesMap,
    Message(&'static [Entry]),
    Number,
    Messages(&'static [Entry]),
    /// A map from text to messages.
    MessageMap(&'static [Entry]),
    /// A message that is a text, as a quantity is.
    Wrapped,
}

/// Number, name and reading of a field.
type Entry = (u64, &'static str, Field);

static META: &[Entry] = &[
    (1, "name", Field::Text),
    (2, "generateName", Field::Text),
    (3, "namespace", Field::Text),
    (5, "uid", Field::Text),
    (6, "resourceVersion", Field::Text),
    (11, "labels", Field::TextMap),
    (12, "annotations", Field::TextMap),
    (14, "finalizers", Field::Texts),
];
static NAMESPACE: &[Entry] = &[(1, "metadata", Field::Message(META))];
static SERVICE_ACCOUNT: &[Entry] = &[(1, "metadata", Field::Message(META))];
static CONFIG_MAP: &[Entry] = &[
    (1, "metadata", Field::Message(META)),
    (2, "data", Field::TextMap),
    (3, "binaryData", Field::BytesMap),
    (4, "immutable", Field::Bool),
];
static SECRET: &[Entry] = &[
    (1, "metadata", Field::Message(META)),
    (2, "data", Field::BytesMap),
    (3, "type", Field::Text),
    (4, "stringData", Field::TextMap),
    (5, "immutable", Field::Bool),
];
static RESOURCE_ATTRIBUTES: &[Entry] = &[
    (1, "namespace", Field::Text),
    (2, "verb", Field::Text),
    (3, "group", Field::Text),
    (4, "version", Field::Text),
    (5, "resource", Field::Text),
    (6, "subresource", Field::Text),
    (7, "name", Field::Text),
];
static PATH_ATTRIBUTES: &[Entry] = &[(1, "path", Field::Text), (2, "verb", Field::Text)];
static ACCESS_SPEC: &[Entry] = &[
    (1, "resourceAttributes", Field::Message(RESOURCE_ATTRIBUTES)),
    (2, "nonResourceAttributes", Field::Message(PATH_ATTRIBUTES)),
];
static ACCESS_REVIEW: &[Entry] = &[(1, "metadata", Field::Message(META)), (2, "spec", Field::Message(ACCESS_SPEC))];
static RULES_SPEC: &[Entry] = &[(1, "namespace", Field::Text)];
static RULES_REVIEW: &[Entry] = &[(1, "metadata", Field::Message(META)), (2, "spec", Field::Message(RULES_SPEC))];
static WHO_REVIEW: &[Entry] = &[(1, "metadata", Field::Message(META))];
static DELETE_OPTIONS: &[Entry] = &[
    (2, "preconditions", Field::Message(PRECONDITIONS)),
    (4, "propagationPolicy", Field::Text),
    (5, "dryRun", Field::Texts),
];
static PRECONDITIONS: &[Entry] = &[(1, "uid", Field::Text), (2, "resourceVersion", Field::Text)];
static QUOTA: &[Entry] = &[(1, "metadata", Field::Message(META)), (2, "spec", Field::Message(QUOTA_SPEC))];
static QUOTA_SPEC: &[Entry] = &[(1, "hard", Field::MessageMap(AMOUNT)), (2, "scopes", Field::Texts)];
static AMOUNT: &[Entry] = &[(1, "", Field::Wrapped)];
static JOB: &[Entry] = &[(1, "metadata", Field::Message(META)), (2, "spec", Field::Message(JOB_SPEC))];
static JOB_SPEC: &[Entry] = &[
    (1, "parallelism", Field::Number),
    (2, "completions", Field::Number),
    (3, "activeDeadlineSeconds", Field::Number),
    (6, "template", Field::Message(TEMPLATE)),
    (7, "backoffLimit", Field::Number),
    (8, "ttlSecondsAfterFinished", Field::Number),
    (10, "suspend", Field::Bool),
];
static TEMPLATE: &[Entry] = &[(1, "metadata", Field::Message(META)), (2, "spec", Field::Message(POD_SPEC))];
/// As far as `kubectl create` fills it.
static POD_SPEC: &[Entry] = &[(2, "containers", Field::Messages(CONTAINER)), (3, "restartPolicy", Field::Text)];
static CONTAINER: &[Entry] =
    &[(1, "name", Field::Text), (2, "image", Field::Text), (3, "command", Field::Texts), (4, "args", Field::Texts)];
/// Of a cluster role; one of a namespace has no third.
static ROLE: &[Entry] = &[
    (1, "metadata", Field::Message(META)),
    (2, "rules", Field::Messages(RULE)),
    (3, "aggregationRule", Field::Message(AGGREGATION)),
];
static AGGREGATION: &[Entry] = &[(1, "clusterRoleSelectors", Field::Messages(LABEL_SELECTOR))];
static LABEL_SELECTOR: &[Entry] =
    &[(1, "matchLabels", Field::TextMap), (2, "matchExpressions", Field::Messages(LABEL_RULE))];
static LABEL_RULE: &[Entry] = &[(1, "key", Field::Text), (2, "operator", Field::Text), (3, "values", Field::Texts)];
static RULE: &[Entry] = &[
    (1, "verbs", Field::Texts),
    (2, "apiGroups", Field::Texts),
    (3, "resources", Field::Texts),
    (4, "resourceNames", Field::Texts),
    (5, "nonResourceURLs", Field::Texts),
];
static BINDING: &[Entry] = &[
    (1, "metadata", Field::Message(META)),
    (2, "subjects", Field::Messages(SUBJECT)),
    (3, "roleRef", Field::Message(ROLE_REFERENCE)),
];
static SUBJECT: &[Entry] =
    &[(1, "kind", Field::Text), (2, "apiGroup", Field::Text), (3, "name", Field::Text), (4, "namespace", Field::Text)];
static ROLE_REFERENCE: &[Entry] = &[(1, "apiGroup", Field::Text), (2, "kind", Field::Text), (3, "name", Field::Text)];
static TOKEN_REQUEST: &[Entry] = &[(1, "metadata", Field::Message(META)), (2, "spec", Field::Message(TOKEN_SPEC))];
static TOKEN_SPEC: &[Entry] = &[(1, "audiences", Field::Texts), (4, "expirationSeconds", Field::Number)];
static ENVELOPE: &[Entry] = &[(1, "type", Field::Message(TYPE))];
static TYPE: &[Entry] = &[(1, "apiVersion", Field::Text), (2, "kind", Field::Text)];

/// Whether a body is in this form.
pub(super) fn is(body: &[u8]) -> bool {
    body.starts_with(MAGIC)
}

/// The tree of a body; `None` if its kind is not known here or it is broken.
pub(super) fn read(body: &[u8]) -> Option<Value> {
    let envelope = body.strip_prefix(MAGIC)?;
    let said = message(envelope, ENVELOPE)?["type"].take();
    let raw = fields(envelope).find_map(|field| field.filter(|f| f.0 == 2).map(|f| f.1))?;
    let entries = match said["kind"].as_str()? {
        "Namespace" => NAMESPACE,
        "ServiceAccount" => SERVICE_ACCOUNT,
        "ConfigMap" => CONFIG_MAP,
        "Secret" => SECRET,
        "ResourceQuota" => QUOTA,
        "Job" => JOB,
        "Role" | "ClusterRole" => ROLE,
        "RoleBinding" | "ClusterRoleBinding" => BINDING,
        "TokenRequest" => TOKEN_REQUEST,
        "SelfSubjectAccessReview" => ACCESS_REVIEW,
        "SelfSubjectRulesReview" => RULES_REVIEW,
        "SelfSubjectReview" => WHO_REVIEW,
        "DeleteOptions" => DELETE_OPTIONS,
        _ => return None,
    };
    let mut value = message(raw.bytes()?, entries)?;
    value["apiVersion"] = said["apiVersion"].clone();
    value["kind"] = said["kind"].clone();
    Some(value)
}

/// A field as it is on the wire.
enum Wire<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

impl<'b> Wire<'b> {
    fn bytes(&self) -> Option<&'b [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    fn text(&self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
}

/// The fields of a message, in their order; a `None` is where it breaks off.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = Option<(u64, Wire<'_>)>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let found = one(&mut rest);
        if found.is_none() {
            rest = &[];
        }
        Some(found)
    })
}

fn one<'b>(rest: &mut &'b [u8]) -> Option<(u64, Wire<'b>)> {
    let tag = number(rest)?;
    let fixed = |rest: &mut &'b [u8], length: usize| {
        let (bytes, after) = rest.split_at_checked(length)?;
        *rest = after;
        Some(Wire::Bytes(bytes))
    };
    let wire = match tag & 7 {
        0 => Wire::Number(number(rest)?),
        1 => fixed(rest, 8)?,
        2 => {
            let length = usize::try_from(number(rest)?).ok()?;
            fixed(rest, length)?
        }
        5 => fixed(rest, 4)?,
        _ => return None,
    };
    Some((tag >> 3, wire))
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn message(bytes: &[u8], entries: &[Entry]) -> Option<Value> {
    let mut found = Map::new();
    for field in fields(bytes) {
        let (number, wire) = field?;
        let Some((_, name, how)) = entries.iter().find(|(n, ..)| *n == number) else { continue };
        let at = found.entry((*name).to_owned()).or_insert(Value::Null);
        match how {
            Field::Text | Field::Wrapped => *at = json!(wire.text()?),
            Field::Bool => *at = json!(matches!(wire, Wire::Number(1))),
            Field::Message(entries) => *at = message(wire.bytes()?, entries)?,
            Field::Number => *at = json!(if let Wire::Number(n) = wire { n as i64 } else { return None }),
            Field::Messages(entries) => {
                let mut list = at.as_array().cloned().unwrap_or_default();
                list.push(message(wire.bytes()?, entries)?);
                *at = json!(list);
            }
            Field::MessageMap(entries) => {
                let (key, content) = entry(wire.bytes()?)?;
                let value = message(content, entries)?;
                // What is only a wrapper stands for its content.
                at[key] = value.get("").cloned().unwrap_or(value);
            }
            Field::Texts => {
                let mut list = at.as_array().cloned().unwrap_or_default();
                list.push(json!(wire.text()?));
                *at = json!(list);
            }
            Field::TextMap | Field::BytesMap => {
                let (key, value) = pair(wire.bytes()?, matches!(how, Field::BytesMap))?;
                at[key] = json!(value);
            }
        }
    }
    // What is empty was not sent: protobuf writes empty texts where JSON leaves them out.
    found.retain(|_, v| v.as_str() != Some(""));
    Some(Value::Object(found))
}

/// Key and content of an entry of a map.
fn entry(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (mut key, mut content): (String, &[u8]) = (String::new(), &[]);
    for field in fields(bytes) {
        match field? {
            (1, wire) => key = wire.text()?,
            (2, wire) => content = wire.bytes()?,
            _ => {}
        }
    }
    Some((key, content))
}

fn pair(bytes: &[u8], base64: bool) -> Option<(String, String)> {
    use base64::{Engine, prelude::BASE64_STANDARD};

    let (mut key, mut value) = (String::new(), String::new());
    for field in fields(bytes) {
        match field? {
            (1, wire) => key = wire.text()?,
            (2, wire) if base64 => value = BASE64_STANDARD.encode(wire.bytes()?),
            (2, wire) => value = wire.text()?,
            _ => {}
        }
    }
    Some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
    }

    fn body(kind: &str, raw: &[u8]) -> Vec<u8> {
        let said = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &said), &field(2, raw), &field(3, b""), &field(4, b"")].concat()
    }

    #[test]
    fn a_config_map_is_read_and_unknown_fields_are_passed_over() {
        let label = [field(1, b"a"), field(2, b"b")].concat();
        let meta = [field(1, b"m"), field(2, b""), field(11, &label), vec![7 << 3, 0x80, 1]].concat();
        let raw = [field(1, &meta), field(2, &[field(1, b"k"), field(2, b"v")].concat()), vec![4 << 3, 1]].concat();
        let expected = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "labels": {"a": "b"}},
            "data": {"k": "v"}, "immutable": true});
        assert_eq!(read(&body("ConfigMap", &raw)), Some(expected));
    }

    #[test]
    fn quantities_and_lists_of_messages_are_read() {
        let hard = [field(1, b"pods"), field(2, &field(1, b"10"))].concat();
        let quota = [field(1, &field(1, b"q")), field(2, &field(1, &hard))].concat();
        assert_eq!(read(&body("ResourceQuota", &quota)).unwrap()["spec"], json!({"hard": {"pods": "10"}}));
        let container = [field(1, b"c"), field(3, b"a"), field(3, b"b")].concat();
        let template = field(6, &field(2, &field(2, &container)));
        let job = [field(1, &field(1, b"j")), field(2, &[vec![1 << 3, 3], template].concat())].concat();
        let spec =
            json!({"parallelism": 3, "template": {"spec": {"containers": [{"name": "c", "command": ["a", "b"]}]}}});
        assert_eq!(read(&body("Job", &job)).unwrap()["spec"], spec);
    }

    #[test]
    fn a_cluster_role_says_whose_rules_it_gathers() {
        let label = field(1, &[field(1, b"a"), field(2, b"b")].concat());
        let raw = [field(1, &field(1, b"r")), field(3, &field(1, &label))].concat();
        let rule = json!({"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]});
        assert_eq!(read(&body("ClusterRole", &raw)).unwrap()["aggregationRule"], rule);
    }

    #[test]
    fn what_is_broken_or_unknown_is_none() {
        let whole = body("Namespace", &field(1, &field(1, b"fresh")));
        assert_eq!(read(&whole).unwrap()["metadata"]["name"], "fresh");
        assert!((0..whole.len() - 4).all(|cut| read(&whole[..cut]).is_none_or(|v| v["metadata"]["name"] == "fresh")));
        assert_eq!(read(&body("Lease", b"")), None);
        assert_eq!(read(&[MAGIC, &[0xFF; 20]].concat()), None);
    }
}
