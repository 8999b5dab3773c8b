//! How each fix is made: from what the manifest has and the cause says, the changes by path.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::{Value, json};

use super::batch::batch;
use super::scene::{Made, Scene, added, launcher_words, main_of, regex};
use crate::jobs::Kind;
use crate::jobs::manifest::text::{Change, joined};
use crate::jobs::quantity::{format_bytes, parse_bytes, parse_count};

type Make = fn(&Scene<'_>) -> Option<Made>;

const MAKES: [(&str, Make); 14] = [
    ("batch", batch),
    ("memory", memory),
    ("shm", shm),
    ("toleration", toleration),
    ("ranks", ranks),
    ("wait", wait),
    ("image", image),
    ("node", node),
    ("workers", workers),
    ("root", root),
    ("deadline", deadline),
    ("sidecar", sidecar),
    ("launcher-devices", launcher_devices),
    ("keep-log", keep_log),
];

/// The maker of a name in the file.
pub(super) fn of(name: &str) -> Option<Make> {
    MAKES.iter().find(|(known, _)| *known == name).map(|(_, make)| *make)
}

fn memory(scene: &Scene<'_>) -> Option<Made> {
    let (role, resources) = match scene.kind {
        Kind::TrainJob => ("node".to_owned(), "/spec/trainer/resourcesPerNode".to_owned()),
        _ => scene.role().map(|(role, at)| (role, format!("{}/resources", main_of(&at))))?,
    };
    let limit = format!("{resources}/limits/memory");
    let from = scene.get(&limit)?.as_str()?.to_owned();
    // By whole GiB where it has any, so that it reads well.
    let bytes = parse_bytes(&from)?;
    let unit = if bytes >= 1 << 30 { 1u64 << 30 } else { 1 << 20 };
    let to = format_bytes((bytes.saturating_add(bytes / 2)).div_ceil(unit).saturating_mul(unit));
    let mut changes = vec![Change::Set(limit, json!(to))];
    let request = format!("{resources}/requests/memory");
    // Where the request was the limit, it stays so (guaranteed quality of service).
    if scene.get(&request).and_then(Value::as_str) == Some(&from) {
        changes.push(Change::Set(request, json!(to)));
    }
    // Shared memory counts as memory: one that may take all of it would be the next to blame.
    Some(Made { changes, holes: vec![("role", role.to_lowercase()), ("from", from), ("to", to)], fill: None })
}

fn shm(scene: &Scene<'_>) -> Option<Made> {
    let (role, at) = scene.role()?;
    let main = main_of(&at);
    let mounts = scene.get(&format!("{main}/volumeMounts")).and_then(Value::as_array);
    if mounts.into_iter().flatten().any(|mount| mount["mountPath"] == "/dev/shm") {
        return None;
    }
    let limit = scene.get(&format!("{main}/resources/limits/memory")).and_then(Value::as_str).and_then(parse_bytes);
    let to = limit.map_or_else(|| "8Gi".to_owned(), |bytes| format_bytes((bytes / 4).max(1 << 30) >> 30 << 30));
    let changes = vec![
        added(
            scene,
            &format!("{at}/template/spec/volumes"),
            json!({"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": to}}),
        ),
        added(scene, &format!("{main}/volumeMounts"), json!({"name": "shm", "mountPath": "/dev/shm"})),
    ];
    Some(Made { changes, holes: vec![("role", role.to_lowercase()), ("to", to)], fill: None })
}

fn toleration(scene: &Scene<'_>) -> Option<Made> {
    static TAINT: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = regex(&TAINT, r"taint(?:\(s\))? \{([^:}\s]+)(?:: *([^}]*?))? *\}")?;
    let (key, value) = scene.texts().find_map(|text| {
        let found = pattern.captures(text)?;
        Some((found[1].to_owned(), found.get(2).map_or(String::new(), |value| value.as_str().trim().to_owned())))
    })?;
    // What Kubernetes itself says of a sick node is no taint to live with.
    if key.starts_with("node.kubernetes.io/") {
        return None;
    }
    let (role, at) = scene.role()?;
    let item = if value.is_empty() {
        json!({"key": key, "operator": "Exists"})
    } else {
        json!({"key": key, "operator": "Equal", "value": value})
    };
    let changes = vec![added(scene, &format!("{at}/template/spec/tolerations"), item)];
    let taint = if value.is_empty() { key } else { format!("{key}={value}") };
    Some(Made { changes, holes: vec![("role", role.to_lowercase()), ("taint", taint)], fill: None })
}

fn ranks(scene: &Scene<'_>) -> Option<Made> {
    static COUNT: OnceLock<Option<Regex>> = OnceLock::new();
    let number = |at: &str| scene.get(at).and_then(Value::as_i64);
    let workers = number(&format!("{}/Worker/replicas", scene.specs())).unwrap_or(0);
    let launcher = i64::from(scene.get("/spec/runLauncherAsWorker") == Some(&json!(true)));
    let room = (workers + launcher) * number("/spec/slotsPerWorker").unwrap_or(1);
    let words = launcher_words(scene)?;
    let is_count = |word: &str| matches!(word, "-np" | "-n" | "--np" | "-c");
    let starts = words
        .iter()
        .position(|(_, word)| word.contains("mpirun") || word.contains("mpiexec") || word.contains("horovodrun"))?;
    let made = |at: &str, word: &str, from: &str, value: String| {
        let holes = vec![("word", word.to_owned()), ("from", from.to_owned()), ("to", room.to_string())];
        (room > 0 && from != room.to_string()).then(|| Made {
            changes: vec![Change::Set(at.to_owned(), json!(value))],
            holes,
            fill: None,
        })
    };
    let script = &words[starts];
    if script.1.contains(char::is_whitespace) {
        let found =
            regex(&COUNT, r"(?s)(?:mpirun|mpiexec|horovodrun).*?\s(-np|-n|--np|-c)\s+(\d+)")?.captures(&script.1)?;
        let count = found.get(2)?;
        let value = format!("{}{room}{}", &script.1[..count.start()], &script.1[count.end()..]);
        return made(&script.0, &found[1], count.as_str(), value);
    }
    let at = words[starts..].iter().position(|(_, word)| is_count(word))? + starts;
    let (pointer, from) = words.get(at + 1)?;
    from.parse::<i64>().ok()?;
    made(pointer, &words[at].1, from, room.to_string())
}

fn wait(scene: &Scene<'_>) -> Option<Made> {
    let at = "/spec/launcherCreationPolicy";
    let already = scene.get(at).is_some_and(|policy| policy != "AtStartup");
    // A gang with the launcher in it would never start.
    let gang = scene.get("/spec/runPolicy/schedulingPolicy").is_some();
    let fits = scene.kind == Kind::MpiJob && !already && !gang;
    fits.then(|| Made { changes: vec![Change::Set(at.to_owned(), json!("WaitForWorkersReady"))], ..Made::default() })
}

fn image(scene: &Scene<'_>) -> Option<Made> {
    let (role, at) = match scene.kind {
        Kind::TrainJob => ("node".to_owned(), "/spec/trainer/image".to_owned()),
        _ => scene.role().map(|(role, at)| (role, format!("{}/image", main_of(&at))))?,
    };
    let from = scene.get(&at)?.as_str()?.to_owned();
    Some(Made { changes: Vec::new(), holes: vec![("role", role.to_lowercase()), ("from", from)], fill: Some(at) })
}

fn node(scene: &Scene<'_>) -> Option<Made> {
    let node = scene.cause.node.as_ref()?.as_str().to_owned();
    let (role, at) = scene.role()?;
    let required = format!("{at}/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution");
    let expression = json!({"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [node]});
    let terms = scene.get(&format!("{required}/nodeSelectorTerms")).and_then(Value::as_array).map_or(0, Vec::len);
    let changes = if terms == 0 {
        vec![Change::Set(required, json!({"nodeSelectorTerms": [{"matchExpressions": [expression]}]}))]
    } else {
        // Terms are alternatives: the node must be out of each.
        let each = (0..terms).map(|i| format!("{required}/nodeSelectorTerms/{i}/matchExpressions"));
        each.map(|list| added(scene, &list, expression.clone())).collect()
    };
    Some(Made { changes, holes: vec![("role", role.to_lowercase()), ("node", node)], fill: None })
}

/// How many of a resource there is room for, as a quota or a queue says it.
fn room(scene: &Scene<'_>) -> Option<(String, u32)> {
    static QUOTA: OnceLock<Option<Regex>> = OnceLock::new();
    static QUEUE: OnceLock<Option<Regex>> = OnceLock::new();
    let quota = regex(
        &QUOTA,
        r"requested: (?:requests\.)?([a-z.]+/[a-z0-9.-]+)=\d+\S*, used: \S*?=(\d+)\S*, limited: \S*?=(\d+)",
    )?;
    let queue = regex(&QUEUE, r"for (\S+/\S+) in flavor [^>]*> maximum capacity \((\d+)\)")?;
    scene.texts().find_map(|text| {
        if let Some(found) = quota.captures(text) {
            let (used, limit) = (found[2].parse::<u32>().ok()?, found[3].parse::<u32>().ok()?);
            // The failed job's own pods are among the used: when it is gone, so are they.
            return Some((found[1].to_owned(), limit.saturating_sub(used.saturating_sub(scene.held))));
        }
        let found = queue.captures(text)?;
        Some((found[1].to_owned(), found[2].parse().ok()?))
    })
}

fn workers(scene: &Scene<'_>) -> Option<Made> {
    let (resource, room) = room(scene)?;
    let at = format!("{}/Worker", scene.specs());
    let from = scene.get(&format!("{at}/replicas"))?.as_u64()?;
    let amount = scene.get(&joined(&format!("{}/resources/limits", main_of(&at)), &resource))?;
    let each = amount.as_u64().or_else(|| parse_count(amount.as_str()?).map(u64::from))?;
    let to = u64::from(room).checked_div(each)?;
    if to == 0 || to >= from {
        return None;
    }
    let mut changes = vec![Change::Set(format!("{at}/replicas"), json!(to))];
    // mpirun must not ask for more ranks than the smaller job has.
    let mut smaller = scene.job.clone();
    if let Some(replicas) = smaller.pointer_mut(&format!("{at}/replicas")) {
        *replicas = json!(to);
    }
    changes.extend(ranks(&Scene { job: &smaller, ..*scene }).into_iter().flat_map(|made| made.changes));
    let least = "/spec/runPolicy/schedulingPolicy/minAvailable";
    if scene.get(least).and_then(Value::as_u64).is_some_and(|n| n > to + 1) {
        changes.push(Change::Set(least.to_owned(), json!(to + 1)));
    }
    let when = if scene.held > 0 { ", once the failed job is deleted" } else { "" };
    let holes = vec![
        ("from", from.to_string()),
        ("to", to.to_string()),
        ("room", room.to_string()),
        ("resource", resource),
        ("when", when.to_owned()),
    ];
    Some(Made { changes, holes, fill: None })
}

fn root(scene: &Scene<'_>) -> Option<Made> {
    let words = launcher_words(scene)?;
    let (at, word) = words.iter().find(|(_, word)| word.contains("mpirun") || word.contains("mpiexec"))?;
    let change = if word.contains(char::is_whitespace) {
        let name = if word.contains("mpirun") { "mpirun" } else { "mpiexec" };
        Change::Set(at.clone(), json!(word.replacen(name, &format!("{name} --allow-run-as-root"), 1)))
    } else {
        let (list, number) = at.rsplit_once('/')?;
        Change::Insert(format!("{list}/{}", number.parse::<usize>().ok()? + 1), json!("--allow-run-as-root"))
    };
    Some(Made { changes: vec![change], ..Made::default() })
}

fn deadline(scene: &Scene<'_>) -> Option<Made> {
    let policy = if scene.kind == Kind::TrainJob { "/spec" } else { "/spec/runPolicy" };
    let at = format!("{policy}/activeDeadlineSeconds");
    let from = scene.get(&at)?.as_u64()?;
    let to = from.checked_mul(2).filter(|to| *to > 0)?;
    Some(Made {
        changes: vec![Change::Set(at, json!(to))],
        holes: vec![("from", from.to_string()), ("to", to.to_string())],
        fill: None,
    })
}

fn sidecar(scene: &Scene<'_>) -> Option<Made> {
    let change = |(_, at): (String, String)| {
        Change::Set(format!("{at}/template/metadata/annotations/sidecar.istio.io~1inject"), json!("false"))
    };
    let changes: Vec<_> = scene.roles().into_iter().map(change).collect();
    (!changes.is_empty()).then(|| Made { changes, ..Made::default() })
}

fn launcher_devices(scene: &Scene<'_>) -> Option<Made> {
    let launcher = scene.cause.replica.as_ref().is_some_and(|name| name.as_str().starts_with("launcher"));
    let off = scene.get("/spec/runLauncherAsWorker") != Some(&json!(true));
    let fits = scene.kind == Kind::MpiJob && launcher && off;
    fits.then(|| Made {
        changes: vec![Change::Set("/spec/runLauncherAsWorker".to_owned(), json!(true))],
        ..Made::default()
    })
}

fn keep_log(scene: &Scene<'_>) -> Option<Made> {
    let at = format!("{}/restartPolicy", scene.launcher()?);
    let lost = scene.get(&at).is_none_or(|policy| policy == "OnFailure");
    (scene.kind == Kind::MpiJob && lost)
        .then(|| Made { changes: vec![Change::Set(at, json!("Never"))], ..Made::default() })
}
