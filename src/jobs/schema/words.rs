//! Words that a field takes, where its schema lists none but the operator or the API server does.

/// The last steps of a path, and the words.
const WORDS: [(&str, &[&str]); 16] = [
    ("runPolicy/cleanPodPolicy", &["Running", "None", "All"]),
    ("launcherCreationPolicy", &["AtStartup", "WaitForWorkersReady"]),
    ("Launcher/restartPolicy", &["Never", "OnFailure"]),
    ("Worker/restartPolicy", &["Never", "OnFailure"]),
    ("imagePullPolicy", &["IfNotPresent", "Always", "Never"]),
    ("dnsPolicy", &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
    ("tolerations/*/operator", &["Exists", "Equal"]),
    ("tolerations/*/effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"]),
    ("whenUnsatisfiable", &["DoNotSchedule", "ScheduleAnyway"]),
    ("emptyDir/medium", &["Memory"]),
    ("matchExpressions/*/operator", &["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]),
    ("seccompProfile/type", &["RuntimeDefault", "Localhost", "Unconfined"]),
    ("terminationMessagePolicy", &["FallbackToLogsOnError", "File"]),
    ("protocol", &["TCP", "UDP", "SCTP"]),
    ("runtimeRef/kind", &["ClusterTrainingRuntime", "TrainingRuntime"]),
    ("restartPolicy", &["Never", "OnFailure", "Always"]),
];

/// The words for the field at `steps`.
pub(super) fn known(steps: &[String]) -> &'static [&'static str] {
    let fits = |path: &&(&str, &[&str])| {
        let parts: Vec<&str> = path.0.split('/').collect();
        let tail = steps.len().checked_sub(parts.len()).map(|from| &steps[from..]);
        tail.is_some_and(|tail| tail.iter().zip(&parts).all(|(step, part)| *part == "*" || step == part))
    };
    WORDS.iter().find(fits).map_or(&[], |(_, words)| words)
}

/// Whether what is at this path is a reference whose name the API server takes for an empty one if it is not there.
pub(super) fn may_lack_name(at: &str) -> bool {
    const REFERENCES: [&str; 5] = ["configMapRef", "secretRef", "configMap", "secretKeyRef", "configMapKeyRef"];
    let mut steps = at.rsplit('/');
    let last = steps.next().unwrap_or_default();
    REFERENCES.contains(&last) || steps.next() == Some("imagePullSecrets")
}
