//! Volumes of a pod: their names, and what each kind of source must say.

use serde_json::Value;

use super::{Causes, duplicate, forbidden, invalid, required};
use crate::sim::{
    store::words::{self, is_label},
    value::{list, text},
};

/// What a source must name, and whether an absolute path is wanted there.
const NAMED: [(&str, &str); 5] = [
    ("persistentVolumeClaim", "claimName"),
    ("secret", "secretName"),
    ("configMap", "name"),
    ("nfs", "server"),
    ("nfs", "path"),
];
/// Largest mode of a file.
const MODE: i64 = 0o777;

/// All that is wrong with the volumes of a spec that stands at `at`.
pub(super) fn all(volumes: &[Value], at: &str, out: &mut Causes) {
    for (n, volume) in volumes.iter().enumerate() {
        let path = format!("{at}.volumes[{n}]");
        let sources = volume.as_object().into_iter().flatten().filter(|(key, _)| *key != "name");
        for (key, _) in sources.skip(1) {
            out.push(forbidden(format!("{path}.{key}"), "may not specify more than 1 volume type"));
        }
        source(volume, &path, out);
        let (name, field) = (text(volume, "/name"), format!("{path}.name"));
        if name.is_empty() {
            out.push(required(field));
        } else if !is_label(name) {
            out.push(invalid(field, &volume["name"], words::LABEL));
        } else if volumes[..n].iter().any(|other| text(other, "/name") == name) {
            out.push(duplicate(field, name));
        }
    }
}

fn source(volume: &Value, path: &str, out: &mut Causes) {
    for (kind, field) in NAMED {
        if volume[kind].is_object() && text(&volume[kind][field], "").is_empty() {
            out.push(required(format!("{path}.{kind}.{field}")));
        }
    }
    if volume["nfs"].is_object() && !text(volume, "/nfs/path").starts_with('/') {
        let given = text(volume, "/nfs/path");
        out.push(invalid(format!("{path}.nfs.path"), &Value::from(given), "must be an absolute path"));
    }
    if volume["hostPath"].is_object() {
        let (given, field) = (text(volume, "/hostPath/path"), format!("{path}.hostPath.path"));
        if given.is_empty() {
            out.push(required(field));
        } else if climbs(given) {
            out.push(invalid(field, &Value::from(given), "must not contain '..'"));
        }
    }
    if text(volume, "/emptyDir/sizeLimit").starts_with('-') {
        let why = "SizeLimit field must be a valid resource quantity";
        out.push(forbidden(format!("{path}.emptyDir.sizeLimit"), why));
    }
    for kind in ["secret", "configMap"] {
        files(&volume[kind], &format!("{path}.{kind}"), out);
    }
}

/// The files that a Secret or a `ConfigMap` becomes.
fn files(source: &Value, path: &str, out: &mut Causes) {
    let mode = |of: &Value, field: String, out: &mut Causes| {
        if of.as_i64().is_some_and(|mode| !(0..=MODE).contains(&mode)) {
            out.push(invalid(field, of, "must be a number between 0 and 0777 (octal), both inclusive"));
        }
    };
    mode(&source["defaultMode"], format!("{path}.defaultMode"), out);
    for (n, item) in list(source, "/items").iter().enumerate() {
        let path = format!("{path}.items[{n}]");
        if text(item, "/key").is_empty() {
            out.push(required(format!("{path}.key")));
        }
        match text(item, "/path") {
            "" => out.push(required(format!("{path}.path"))),
            given => relative(given, format!("{path}.path"), out),
        }
        mode(&item["mode"], format!("{path}.mode"), out);
    }
}

/// A path that leads down from where it begins.
pub(super) fn relative(given: &str, field: String, out: &mut Causes) {
    if given.starts_with('/') {
        out.push(invalid(field, &Value::from(given), "must be a relative path"));
    } else if climbs(given) {
        out.push(invalid(field, &Value::from(given), "must not contain '..'"));
    }
}

fn climbs(path: &str) -> bool {
    path.split('/').any(|step| step == "..")
}
