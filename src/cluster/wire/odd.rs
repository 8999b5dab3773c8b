//! Names the field of a malformed object that is of another type. Slow, and only run on objects that are malformed.

use serde_json::Value;

/// Fields that we read, and what they should be: `o`bject, `l`ist, `t`ext, `n`umber, `b`ool. `*` is any entry.
const EXPECTED: &[(&str, char)] = &[
    ("metadata", 'o'),
    ("metadata.name", 't'),
    ("metadata.namespace", 't'),
    ("metadata.uid", 't'),
    ("metadata.creationTimestamp", 't'),
    ("metadata.labels", 'o'),
    ("metadata.labels.*", 't'),
    ("metadata.annotations", 'o'),
    ("metadata.annotations.*", 't'),
    ("metadata.ownerReferences", 'l'),
    ("spec", 'o'),
    ("spec.suspend", 'b'),
    ("spec.runPolicy", 'o'),
    ("spec.runPolicy.*", '?'),
    ("spec.runPolicy.suspend", 'b'),
    ("spec.runPolicy.backoffLimit", 'n'),
    ("spec.runPolicy.activeDeadlineSeconds", 'n'),
    ("spec.runPolicy.cleanPodPolicy", 't'),
    ("spec.runPolicy.schedulingPolicy", 'o'),
    ("spec.*ReplicaSpecs", 'o'),
    ("spec.*ReplicaSpecs.*", 'o'),
    ("spec.*ReplicaSpecs.*.replicas", 'n'),
    ("spec.*ReplicaSpecs.*.restartPolicy", 't'),
    ("spec.*ReplicaSpecs.*.template", 'o'),
    ("spec.*ReplicaSpecs.*.template.spec", 'o'),
    ("spec.*ReplicaSpecs.*.template.spec.containers", 'l'),
    ("spec.*ReplicaSpecs.*.template.spec.containers.*", 'o'),
    ("spec.trainer", 'o'),
    ("spec.trainer.numNodes", 'n'),
    ("spec.runtimeRef", 'o'),
    ("spec.nodeName", 't'),
    ("spec.containers", 'l'),
    ("spec.containers.*", 'o'),
    ("spec.containers.*.resources", 'o'),
    ("status", 'o'),
    ("status.phase", 't'),
    ("status.reason", 't'),
    ("status.message", 't'),
    ("status.startTime", 't'),
    ("status.completionTime", 't'),
    ("status.conditions", 'l'),
    ("status.conditions.*", 'o'),
    ("status.conditions.*.type", 't'),
    ("status.conditions.*.status", 't'),
    ("status.conditions.*.reason", 't'),
    ("status.conditions.*.message", 't'),
    ("status.conditions.*.lastTransitionTime", 't'),
    ("status.replicaStatuses", 'o'),
    ("status.replicaStatuses.*", 'o'),
    ("status.replicaStatuses.*.*", 'n'),
    ("status.jobsStatus", 'l'),
    ("status.containerStatuses", 'l'),
    ("status.containerStatuses.*", 'o'),
    ("status.containerStatuses.*.state", 'o'),
    ("status.containerStatuses.*.restartCount", 'n'),
    ("status.containerStatuses.*.ready", 'b'),
];

/// `status.conditions is a text, not a list`, for the first such field.
pub(super) fn describe(object: &Value) -> Option<String> {
    EXPECTED.iter().find_map(|(path, wanted)| {
        let steps: Vec<_> = path.split('.').collect();
        mismatch(object, &steps, *wanted, "")
    })
}

fn mismatch(value: &Value, steps: &[&str], wanted: char, at: &str) -> Option<String> {
    let Some((step, rest)) = steps.split_first() else {
        let fits = wanted == '?' || value.is_null() || letter(value) == wanted;
        return (!fits).then(|| format!("{at} is {}, not {}", word(letter(value)), word(wanted)));
    };
    let below = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| step.strip_prefix('*').map_or(key.as_str() == *step, |end| key.ends_with(end)))
            .find_map(|(key, v)| mismatch(v, rest, wanted, &below(key))),
        Value::Array(all) if *step == "*" => {
            all.iter().enumerate().find_map(|(i, v)| mismatch(v, rest, wanted, &format!("{at}[{i}]")))
        }
        _ => None,
    }
}

fn letter(value: &Value) -> char {
    match value {
        Value::Object(_) => 'o',
        Value::Array(_) => 'l',
        Value::String(_) => 't',
        Value::Number(_) => 'n',
        Value::Bool(_) => 'b',
        Value::Null => '0',
    }
}

fn word(letter: char) -> &'static str {
    match letter {
        'o' => "an object",
        'l' => "a list",
        't' => "a text",
        'n' => "a number",
        'b' => "true or false",
        _ => "nothing",
    }
}
