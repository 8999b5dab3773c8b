//! The rule file holds together, and the best cause wins.

use super::*;

#[test]
fn every_rule_is_whole_and_matches_its_examples() {
    let parsed =
        file::BUILTIN.iter().try_fold(Rules::parse("").expect("nothing"), |rules, text| rules.overlaid_with(text));
    let rules = parsed.expect("the rule files are right");
    assert_eq!(rules.iter().count(), Rules::builtin().iter().count());
    for rule in rules.iter() {
        let example = &rule.example;
        assert!(!rule.places.is_empty() && !rule.remedy.is_empty() && !example.is_empty(), "{}", rule.id);
        assert!(rule.pattern.captures(example).is_some(), "{}: {example}", rule.id);
        for id in rule.after.iter().chain(&rule.details_of) {
            assert!(rules.get(id).is_some(), "{}: {id}", rule.id);
        }
        if rule.places.contains(&Place::Log) {
            continue;
        }
        let seen =
            Observation { place: rule.places[0], text: example, at: At::Condition("x"), subject: None, time: None };
        let Some(best) = best(&rules, &[seen], 1) else {
            assert!(rule.is_noise(), "{}: its example is explained away", rule.id);
            continue;
        };
        let title = best.title;
        assert!(!title.as_str().contains("{1}") && !title.is_empty(), "{}: {title}", rule.id);
    }
}

#[test]
fn a_line_alone_is_told_by_its_own_rule_or_one_of_its_class() {
    let rules = Rules::builtin();
    let mut wrong = Vec::new();
    for rule in rules.iter().filter(|rule| rule.places.contains(&Place::Log)) {
        let lines: Vec<&str> = match rule.after.first() {
            Some(before) => vec![&rules.get(before).expect("known").example, &rule.example],
            None => vec![&rule.example],
        };
        let mut scan = Scan::default();
        for (text, number) in lines.into_iter().zip(1..) {
            scan.feed(&rules, &LogLine { text, number, ..LogLine::default() });
        }
        let found = Report::default().cause(&rules, Some(&scan)).map(|cause| cause.class);
        let silent = *rule.class == *"none" || rule.soft || !rule.details_of.is_empty();
        let expected = (!silent).then(|| rule.class.clone());
        // What says more about another line may be told by that line's rule.
        let of_other = !rule.details_of.is_empty() && found.as_ref() == Some(&rule.class);
        if found != expected && !of_other {
            wrong.push(format!("{}: {found:?}, not {expected:?}: {}", rule.id, rule.example));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_class_is_a_known_one() {
    const CLASSES: &str = "gpu_oom host_oom_killed process_killed_unknown shm_too_small disk_full memlock_limit \
        gpu_hardware_fault driver_mismatch cuda_illegal_access gpu_not_visible nccl_timeout_unknown rank_stalled \
        collective_mismatch peer_failure_unknown nccl_network nccl_no_interface ib_fabric_error mpi_tcp_unreachable \
        mpi_fabric_init_failed rendezvous_timeout port_in_use dns_resolve_failed ssh_refused ssh_auth_failed \
        ssh_host_key worker_sshd_failed remote_daemon_failed worker_lost_unknown not_enough_slots \
        run_as_root_refused executable_missing launcher_bad_args k8s_api_unreachable istio_sidecar \
        uid_not_in_passwd app_exception app_exit_unknown app_mpi_abort app_segfault module_missing library_missing \
        file_missing permission_denied nan_loss hf_auth image_auth image_not_found image_registry_unreachable \
        image_rate_limit unschedulable_resources unschedulable_placement unschedulable_pvc gang_unschedulable \
        kueue_inadmissible podsready_timeout quota_exceeded limitrange_violation policy_denied \
        admission_device_unavailable config_object_missing volume_mount_failed container_start_error \
        evicted_pressure preempted node_lost deadline_exceeded backoff_limit none \
        gpu_idle rank_behind gpu_throttled memory_near_limit";
    let known: Vec<&str> = CLASSES.split_whitespace().collect();
    let rules = Rules::builtin();
    for rule in rules.iter() {
        assert!(known.contains(&rule.class.as_ref()), "{}: {}", rule.id, rule.class);
        for of in &rule.consequence_of {
            let exists = of == "*" || known.contains(&of.as_str()) || rules.get(of).is_some();
            assert!(exists, "{}: consequence of {of}", rule.id);
        }
    }
}

#[test]
fn a_users_file_is_laid_over_ours() {
    let ours = Rules::builtin();
    let theirs = "[[rule]]\nid = 'oom-killed'\nremedy = 'Ask in #gpu-help.'\n\n[[rule]]\nid = 'deadline'\noff = true\n\n\
        [[rule]]\nid = 'mine'\nclass = 'node_lost'\nwhere = ['event']\npattern = 'node (?P<n>\\S+) burns'\n\
        title = '{n} burns'\nremedy = 'Run.'\n";
    let both = ours.overlaid_with(theirs).expect("right");
    let oom = both.get("oom-killed").expect("still there");
    assert_eq!((oom.remedy.as_str(), oom.priority), ("Ask in #gpu-help.", 5));
    assert!(both.get("deadline").is_none() && both.get("mine").is_some());
    assert_eq!(both.iter().count(), ours.iter().count());
}

#[test]
fn errors_name_line_and_field() {
    let errors =
        |text: &str| Rules::parse(text).expect_err("wrong").iter().map(ToString::to_string).collect::<Vec<_>>();
    let rule = |extra: &str| format!("[[rule]]\nid = 'x'\nclass = 'c'\nremedy = 'r'\n{extra}\n");
    assert_eq!(
        errors(&rule("where = ['exit']\npattern = '('\ntitle = 't'")),
        ["line 6: rule \"x\": pattern: unclosed group"]
    );
    assert_eq!(
        errors(&rule("where = ['moon']\npattern = 'a'\ntitle = 't'")),
        ["line 5: rule \"x\": where: \"moon\" is no place"]
    );
    assert_eq!(
        errors(&rule("where = ['exit']\npattern = 'a'\ntitle = '{1}'")),
        ["line 7: rule \"x\": title: {1} is neither a capture of the pattern nor a known word"]
    );
    assert_eq!(errors(&rule("where = ['exit']\npattern = 'a'")), ["line 1: rule \"x\": title is missing"]);
    assert!(errors("[[rule]]\nid = 'x'\ncolour = 'red'\n")[0].starts_with("line 3: unknown field `colour`"));
    assert!(errors("[[rule]]\nid = \n")[0].starts_with("line 2:"));
}

#[test]
fn of_the_schedulers_reasons_the_one_that_matters_is_told() {
    let rules = Rules::builtin();
    let told = |reasons: &str| {
        let tail = "no new claims to deallocate, preemption: 0/12 nodes are available: 12 Preemption is not helpful.";
        let text = format!("Unschedulable: 0/12 nodes are available: {reasons}. {tail}");
        let seen =
            Observation { place: Place::Unscheduled, text: &text, at: At::Condition("x"), subject: None, time: None };
        let cause = best(&rules, &[seen], 3).expect("a cause");
        assert_eq!(cause.evidence[0].text.as_str(), text, "the evidence is all that the scheduler said");
        (cause.rule.to_string(), cause.title.to_string())
    };
    let cases = [
        (
            "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 11 node(s) didn't match Pod's node affinity/selector",
            "unsched-affinity",
            "Node selector or affinity fits too few nodes (11 of 12 don't match)",
        ),
        (
            "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 11 Insufficient nvidia.com/gpu",
            "unsched-gpu",
            "No node has enough free nvidia.com/gpu (11 of 12 are short)",
        ),
        (
            "2 Insufficient cpu, 3 node(s) didn't match Pod's node affinity/selector, 9 Insufficient memory",
            "unsched-cpu-mem",
            "No node has enough free memory (9 of 12 are short)",
        ),
        (
            "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 11 node(s) had untolerated taint {team: blue}",
            "unsched-taint",
            "Not allowed onto 11 of 12 nodes: taint team=blue",
        ),
        (
            "12 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }",
            "unsched-taint",
            "Not allowed onto 12 of 12 nodes: taint node-role.kubernetes.io/control-plane",
        ),
        (
            "4 node(s) had untolerated taint(s), 8 node(s) were unschedulable",
            "unsched-cordon",
            "8 of 12 nodes take no pods (cordoned)",
        ),
    ];
    for (reasons, rule, title) in cases {
        assert_eq!(told(reasons), (rule.to_owned(), title.to_owned()), "{reasons}");
    }
}
