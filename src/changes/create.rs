//! Making an object, under a fixed name, and finding it again when the answer got lost.

use serde_json::{Value, json};

use super::{
    change::Change,
    desk::Desk,
    look,
    outcome::Outcome,
    paths,
    send::{self, Sent},
};
use crate::{
    cluster::{ProblemKind, access, paths::query},
    jobs::Uid,
};

/// Who made an object, as the console's creator column reads it.
const CREATOR: &str = "mpideck.io/creator";
/// Which draft it was made from.
const CLIENT: &str = "mpideck.io/client-id";

/// Makes it.
pub(super) async fn create(desk: &Desk, change: &Change, manifest: &Value, client: &str) -> Outcome {
    let doing = change.to_string();
    let (resource, namespace) = match paths::resource(&desk.offer, &change.subject, &doing) {
        Ok(found) => found,
        Err(problem) => return Outcome::Failed(problem),
    };
    let creator = access::whoami(&desk.session).await.ok();
    let body = signed(manifest, change, client, creator.as_ref().map(crate::jobs::Clean::as_str));
    let (all, one) = (resource.all(namespace.as_ref()), resource.one(namespace.as_ref(), change.subject.name.as_str()));
    let strict = format!("{all}{}", query(&[("fieldValidation", "Strict")]));
    let lost = match send::create(&desk.session, strict, body, &doing).await {
        Sent::Taken(object) => return Outcome::done(look::uid(&object)),
        Sent::Refused(problem) if problem.kind == ProblemKind::Conflict => {
            // It may be ours: of an attempt before, whose answer got lost.
            return match look::object(&desk.session, &one, &doing)
                .await
                .ok()
                .flatten()
                .and_then(|o| made_by(&o, client))
            {
                Some(uid) => Outcome::noted(Some(uid), "an attempt before had made it"),
                None => Outcome::Failed(problem.hinted("Choose another name.")),
            };
        }
        Sent::Refused(problem) => return Outcome::Failed(problem),
        Sent::Unsure(problem) => problem,
    };
    match look::until(&desk.session, &one, &doing, |object| object.and_then(|o| made_by(o, client))).await {
        Ok(Some(uid)) => Outcome::noted(Some(uid), "its answer got lost on the way"),
        Ok(None) => Outcome::Failed(lost.hinted("There is no such object: nothing was made. Send it again.")),
        Err(_) => Outcome::Unknown(lost.hinted("Send it again when the cluster answers: it is made only once.")),
    }
}

/// The manifest with who makes it, from which draft, and where.
fn signed(manifest: &Value, change: &Change, client: &str, creator: Option<&str>) -> Value {
    let mut manifest = manifest.clone();
    if !manifest["metadata"].is_object() {
        manifest["metadata"] = json!({});
    }
    let metadata = &mut manifest["metadata"];
    metadata["namespace"] = json!(change.subject.namespace.as_str());
    if !metadata["annotations"].is_object() {
        metadata["annotations"] = json!({});
    }
    metadata["annotations"][CLIENT] = json!(client);
    if let Some(creator) = creator {
        metadata["annotations"][CREATOR] = json!(creator);
    }
    manifest
}

/// The uid of an object that was made from this draft.
pub(super) fn made_by(object: &Value, client: &str) -> Option<Uid> {
    let mark = object.pointer("/metadata/annotations")?.get(CLIENT)?.as_str()?;
    if mark == client { look::uid(object) } else { None }
}
