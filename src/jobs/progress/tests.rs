use super::{
    line::{may_tell, read as read_what_may_tell},
    *,
};

fn read(text: &str) -> Option<Told> {
    if may_tell(text) { read_what_may_tell(text) } else { None }
}

fn told(text: &str) -> Told {
    read(text).unwrap_or_else(|| panic!("nothing in «{text}»"))
}

/// Step, of how many, whether of an epoch; epoch, of how many; loss; speed.
type Said = (Option<u64>, Option<u64>, bool, Option<f64>, Option<u32>, Option<f64>, Option<(f64, Unit)>);

fn said(text: &str) -> Said {
    let Told { step, steps, of_epoch, epoch, epochs, loss, rate, .. } = told(text);
    (step, steps, of_epoch, epoch, epochs, loss, rate.map(|(value, unit, _)| ((value * 100.0).round() / 100.0, unit)))
}

#[test]
fn bars_are_read() {
    assert_eq!(
        said(" 45%|████▌     | 450/1000 [01:23<01:41,  5.41it/s, loss=0.53]"),
        (Some(450), Some(1000), false, None, None, Some(0.53), Some((5.41, Unit::Steps)))
    );
    assert_eq!(
        said("Epoch 2:  10%|# | 10/100 [00:20<03:00,  2.00s/it, v_num=0, train_loss=1.25]"),
        (Some(10), Some(100), true, Some(2.0), None, Some(1.25), Some((0.5, Unit::Steps)))
    );
    assert_eq!(
        said("Epoch 2/5: 10%|█ | 10/100 [00:20<03:00, 8.0batch/s]"),
        (Some(10), Some(100), true, Some(2.0), Some(5), None, Some((8.0, Unit::Steps)))
    );
    assert_eq!(
        said("Epochs:  20%|██   | 2/10 [1:00:00<4:00:00, 1800.00s/it, loss=0.4]"),
        (None, None, false, Some(2.0), Some(10), Some(0.4), None)
    );
    assert_eq!(
        said("123/500 [======>.......] - ETA: 3s - loss: 0.42 - accuracy: 0.91 - val_loss: 0.9"),
        (Some(123), Some(500), true, None, None, Some(0.42), None)
    );
    assert_eq!(
        said("500/500 ━━━━━━━━━━━━━━━━━━━━ 5s 10ms/step - accuracy: 0.91 - loss: 0.3"),
        (Some(500), Some(500), true, None, None, Some(0.3), Some((100.0, Unit::Steps)))
    );
}

#[test]
fn words_and_numbers_are_read() {
    let steps = |value| Some((value, Unit::Steps));
    let samples = |value| Some((value, Unit::Samples));
    for (text, wanted) in [
        (
            "{'loss': 0.51, 'grad_norm': 0.8, 'learning_rate': 2e-05, 'epoch': 1.2}",
            (None, None, false, Some(1.2), None, Some(0.51), None),
        ),
        (
            "{'train_runtime': 10.0, 'train_samples_per_second': 100.5, 'train_steps_per_second': 3.1, 'train_loss': 0.4, 'epoch': 3.0}",
            (None, None, false, Some(3.0), None, Some(0.4), samples(100.5)),
        ),
        ("Epoch 3/10", (None, None, false, Some(3.0), Some(10), None, None)),
        (
            "Train Epoch: 1 [6400/60000 (11%)]\tLoss: 0.320000",
            (Some(6400), Some(60000), true, Some(1.0), None, Some(0.32), None),
        ),
        (
            "Epoch: [0][ 10/5005]\tTime  0.5 ( 0.9)\tData  0.0\tLoss 6.9e+00 (7.0e+00)\tAcc@1 0.1",
            (Some(10), Some(5005), true, Some(0.0), None, Some(6.9), None),
        ),
        ("Iter #3: 210.3 img/sec per GPU", (Some(3), None, false, None, None, None, samples(210.3))),
        ("Img/sec per GPU: 210.3 +-1.0", (None, None, false, None, None, None, samples(210.3))),
        ("Total img/sec on 8 GPU(s): 1682.4 +-8.0", (None, None, false, None, None, None, samples(1682.4))),
        ("total images/sec: 607.11", (None, None, false, None, None, None, samples(607.11))),
        (
            " iteration      100/    5000 | consumed samples:  12800 | elapsed time per iteration (ms): 512.0 | learning rate: 1.5E-04 | global batch size:   128 | lm loss: 2.3E+00 | loss scale: 1.0 |",
            (Some(100), Some(5000), false, None, None, Some(2.3), samples(250.0)),
        ),
        (
            "w-0: [INFO] [logging.py:107:log_dist] [Rank 0] step=10, skipped=0, lr=[1e-05], loss=1.5",
            (Some(10), None, false, None, None, Some(1.5), None),
        ),
        (
            "[INFO] [timer.py:264:stop] epoch=0/micro_step=40/global_step=10, RunningAvgSamplesPerSec=32.5, MemAllocated=1GB",
            (Some(10), None, false, Some(0.0), None, None, samples(32.5)),
        ),
        ("step 100 loss 0.5", (Some(100), None, false, None, None, Some(0.5), None)),
        ("step 100/1000: loss=0.5", (Some(100), Some(1000), false, None, None, Some(0.5), None)),
        ("[step 100] train_loss: 1.5e-3", (Some(100), None, false, None, None, Some(0.0015), None)),
        ("iter 200 loss 3.1 12 it/s", (Some(200), None, false, None, None, Some(3.1), steps(12.0))),
        (
            "step 98110 | loss 1.990 | lr 2.1e-4 | 181,190 tok/s",
            (Some(98110), None, false, None, None, Some(1.99), Some((181_190.0, Unit::Tokens))),
        ),
        (
            "Epoch [3/10], Step [120/500], Loss: 0.42",
            (Some(120), Some(500), true, Some(3.0), Some(10), Some(0.42), None),
        ),
        (
            "Epoch[1] Batch [20]\tSpeed: 1234.5 samples/sec\taccuracy=0.1",
            (Some(20), None, false, Some(1.0), None, None, samples(1234.5)),
        ),
        ("[10]\ttrain-logloss:0.42000\teval-auc:0.9", (Some(10), None, false, None, None, Some(0.42), None)),
        ("step 7: 93 ms", (Some(7), None, false, None, None, None, None)),
    ] {
        assert_eq!(said(text), wanted, "{text}");
    }
    assert!(told("Iter #3: 210.3 img/sec per GPU").rate.is_some_and(|(_, _, per_gpu)| per_gpu));
    assert!(told("step 130 loss nan lr 1e-4").loss.is_some_and(f64::is_nan));
}

#[test]
fn ordinary_numbers_are_no_progress() {
    for text in [
        "",
        "step",
        "Listening on port 6400",
        "Generating train split: 100%|##########| 25000/25000 [00:01<00:00, 123456.12 examples/s]",
        "Map (train): 50%|#####     | 500/1000 [00:01<00:01, 480.00 examples/s]",
        "packet loss 0.5%, 3 of 10 lost",
        "Step 1/14 : FROM ubuntu",
        "this is step 3 of the installation, please wait",
        "Loading checkpoint shards:  50%|█████     | 2/4 [00:10<00:10,  5.0s/it]",
        "Downloading:  10%|█         | 1.2M/12M [00:01<00:09, 1.2MB/s]",
        "  5%|▌         | 5/100 [00:01<00:19, 4.8MB/s]",
        "Validation DataLoader 0: 100%|██████████| 25/25 [00:03<00:00,  8.0it/s]",
        "Map: 100%|██████████| 1000/1000 [00:01<00:00, 900 examples/s]",
        "{'eval_loss': 0.6, 'eval_runtime': 3.0, 'eval_samples_per_second': 10.0, 'epoch': 1.0}",
        "saved /checkpoints/step-400.pt",
        "resuming from step 400",
        "rank 3: gpu memory 31 GiB, step time 93 ms",
        "current loss scale is 1024",
        "site-packages/torch/utils/data/dataloader.py:557: UserWarning: batch 3",
        "2026-11-22 12:00:01,123 - INFO - 123/500 files copied",
        "retry iteration 3 of 5",
        "Validation Epoch: 1 [100/1000] loss 0.2",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn letters_of_any_length_stand_beside_a_word() {
    assert_eq!(said("step 100，loss: 0.5").5, Some(0.5));
    assert_eq!(said("step 100 évaluation loss: 0.5，val loss: 0.7").0, Some(100));
}

#[test]
fn no_epochs_at_all_are_no_share() {
    assert_eq!(said("Epoch 0/0 loss: 0.5").4, None);
}

proptest::proptest! {
    #[test]
    fn any_text_may_be_read(text in "(step [0-9]{1,3}|epoch 0/0|loss|[ :=/%|,\u{ff0c}é\\[\\]0-9.]|\\PC){0,40}") {
        let _ = read(&text);
    }
}

#[test]
fn a_long_line_costs_no_more_than_its_beginning() {
    for part in ["step 1 loss ", "45%|", "Epoch [", "1/", "loss loss ", "é"] {
        // A backtracking reader would not come back.
        let _ = read(&part.repeat(200_000));
    }
}

fn fed(lines: &[(u32, Option<u32>, &str)]) -> Track {
    let mut track = Track::default();
    for (at, rank, text) in lines {
        track.feed(text, *rank, Some(Secs(*at)));
    }
    track
}

fn after(lines: &[(u32, Option<u32>, &str)]) -> Progress {
    fed(lines).progress().expect("progress")
}

#[test]
fn what_was_said_last_of_each_counts_and_the_mean_of_speeds() {
    let progress = after(&[
        (100, None, "step 1/100 loss 4.0 100 samples/s"),
        (110, None, "step 2/100 loss nan 300 samples/s"),
        (115, None, "something else"),
        (120, None, "step 3 loss 2.0"),
    ]);
    assert_eq!((progress.origin, progress.at), (Origin::Log, Some(Secs(120))));
    assert_eq!((progress.step, progress.steps, progress.share), (Some(3), Some(100), Some(0.03)));
    assert_eq!(progress.loss, Some(2.0));
    let rate = progress.rate.expect("a rate");
    assert_eq!((rate.last, rate.mean, rate.unit, rate.measured), (300.0, 200.0, Unit::Samples, false));
    assert_eq!(fed(&[(1, None, "hello")]).progress(), None);
}

#[test]
fn what_is_left_is_estimated_from_the_last_ten_minutes() {
    let lines: Vec<String> =
        (0..200).map(|n| format!("step {}/1000 loss 1", if n < 100 { n } else { 100 + (n - 100) * 4 })).collect();
    let mut track = Track::default();
    for (n, line) in (0..).zip(&lines) {
        track.feed(line, None, Some(Secs(1_000 + n * 10)));
    }
    let progress = track.progress().expect("progress");
    let left = progress.left.expect("an estimate");
    // At the end it does 4 steps in 10 s, whatever it did before; 504 are left.
    assert_eq!((left.over, progress.step), (Some(600), Some(496)));
    assert!((1255..=1265).contains(&left.seconds), "{left:?}");
    assert_eq!(progress.end(), Some(Secs(1_000 + 1990 + left.seconds)));
    let rate = progress.rate.expect("measured");
    assert!(rate.measured && (rate.last - 0.4).abs() < 1e-9, "{rate:?}");
    assert_eq!(after(&[(0, None, "step 1/9 loss 1"), (5, None, "step 2/9 loss 1")]).left, None, "too short");
    assert!(track.points() <= 62, "{}", track.points());
}

#[test]
fn a_run_that_begins_anew_forgets_how_fast_it_was() {
    let progress = after(&[
        (0, None, "step 100/1000 loss 1"),
        (100, None, "step 500/1000 loss 1"),
        (200, None, "step 100/1000 loss 1"),
    ]);
    assert_eq!((progress.step, progress.left, progress.rate), (Some(100), None, None));
}

#[test]
fn epochs_and_steps_within_them_make_one_share() {
    let keras = after(&[(0, None, "Epoch 2/4"), (1, None, "50/100 [=====>....] - ETA: 3s - loss: 0.4")]);
    assert_eq!((keras.share, keras.of_epoch, keras.epochs), (Some(0.375), true, Some(4)));
    let next =
        after(&[(0, None, "Epoch 2/4"), (1, None, "100/100 [=========>] - 3s - loss: 0.4"), (2, None, "Epoch 3/4")]);
    assert_eq!((next.share, next.step), (Some(0.5), None));
    let ended = after(&[(0, None, "Epoch [4/4], Loss: 0.3")]);
    assert_eq!(ended.share, Some(1.0));
    let unknown = after(&[(0, None, "Train Epoch: 1 [6400/60000 (11%)]\tLoss: 0.3")]);
    assert_eq!((unknown.share, unknown.brief().as_str()), (None, "epoch 1"));
}

#[test]
fn a_shorter_bar_beside_the_trainings_is_passed_over_and_bars_that_begin_anew_are_of_an_epoch() {
    let bar = |n: u64, of: u64| format!("{}%|##| {n}/{of} [00:01<00:01, 2.0it/s]", 100 * n / of);
    let lines = [bar(400, 1000), bar(25, 25), bar(401, 1000)];
    let lines: Vec<_> = (0..).zip(&lines).map(|(at, line)| (at, None, line.as_str())).collect();
    assert_eq!(after(&lines[..2]).share, Some(0.4), "of an evaluation");
    assert_eq!(after(&lines).step, Some(401));
    let lines = [bar(500, 500), bar(1, 500)];
    let lines: Vec<_> = (0..).zip(&lines).map(|(at, line)| (at, None, line.as_str())).collect();
    let again = after(&lines);
    assert_eq!((again.of_epoch, again.share), (true, None));
}

#[test]
fn a_shorter_bar_after_one_that_told_of_no_loss_is_the_training_and_after_the_training_an_evaluation() {
    let prepared = (1, None, "100%|####| 1000/1000 [00:10<00:00, 99.1it/s]");
    let trains = |at, text| (at, None, text);
    let progress = after(&[prepared, trains(9, " 10%|#   | 30/300 [00:01<00:09, 9.1it/s]")]);
    assert_eq!((progress.step, progress.steps), (Some(30), Some(300)));
    let half = (1, None, " 50%|##  | 500/1000 [00:10<00:00, 99.1it/s]");
    let beside = after(&[half, trains(9, " 10%|#   | 30/300 [00:01<00:09, 9.1it/s]")]);
    assert_eq!((beside.step, beside.steps), (Some(500), Some(1000)), "the longer one goes on");
    let done = after(&[
        trains(1, "{'loss': 1.5, 'learning_rate': 2e-05, 'epoch': 0.9}"),
        trains(2, "100%|####| 1000/1000 [00:10<00:00, 99.1it/s]"),
        trains(9, " 10%|#   | 30/300 [00:01<00:09, 9.1it/s]"),
    ]);
    assert_eq!((done.step, done.steps), (Some(1000), Some(1000)), "what follows a training is its evaluation");
}

#[test]
fn a_validation_after_each_epoch_does_not_take_the_trainings_place() {
    for loss in ["", ", loss=0.5"] {
        let bar =
            |n: u64, of: u64, speed: &str| format!("{}%|##| {n}/{of} [00:01<00:01, {speed}it/s{loss}]", 100 * n / of);
        let epoch = [bar(1, 500, "2.0"), bar(500, 500, "2.0"), bar(1, 50, "9.0"), bar(50, 50, "9.0")];
        let lines: Vec<_> = epoch.iter().chain(&epoch).chain(&epoch[..1]).map(String::as_str).collect();
        let upto = |n: usize| {
            let lines: Vec<_> = (0..).zip(&lines[..n]).map(|(at, line)| (at, None, *line)).collect();
            let progress = after(&lines);
            (progress.step, progress.steps, progress.of_epoch, progress.share, progress.rate.map(|rate| rate.mean))
        };
        assert_eq!(upto(5), (Some(1), Some(500), true, None, Some(2.0)), "the training comes back: {loss}");
        for n in [6, 7, 8] {
            assert_eq!(upto(n), (Some(500), Some(500), true, None, Some(2.0)), "its next validation is none: {loss}");
        }
        assert_eq!(upto(9), (Some(1), Some(500), true, None, Some(2.0)));
    }
    let bar = |n: u64, of: u64| format!("{}%|##| {n}/{of} [00:01<00:01, 2.0it/s]", 100 * n / of);
    let lines = [bar(1000, 1000), bar(300, 300), bar(25, 25), bar(10, 10), bar(1, 300), bar(25, 25)];
    let lines: Vec<_> = (0..).zip(&lines).map(|(at, line)| (at, None, line.as_str())).collect();
    let progress = after(&lines);
    assert_eq!((progress.step, progress.steps, progress.of_epoch), (Some(1), Some(300), true), "two of them between");
}

#[test]
fn the_lowest_rank_counts() {
    let progress = after(&[
        (0, Some(3), "step 7 loss 3.0"),
        (1, Some(0), "step 5 loss 1.0"),
        (2, Some(3), "step 8 loss 3.5"),
        (3, None, "step 9 loss 9.0"),
    ]);
    assert_eq!((progress.step, progress.loss), (Some(5), Some(1.0)));
}

#[test]
fn a_flood_within_a_second_is_not_read_to_its_end() {
    let mut track = Track::default();
    for step in 1..=1_000 {
        track.feed(&format!("step {step} loss 1.0"), None, Some(Secs(5)));
    }
    assert!(track.progress().and_then(|p| p.step).is_some_and(|step| (10..=20).contains(&step)));
    track.feed("step 2000 loss 1.0", None, Some(Secs(6)));
    assert_eq!(track.progress().and_then(|progress| progress.step), Some(2000));
}

#[test]
fn reports_of_training_programs_are_read() {
    let progress = reported(
        r#"{"progressPercentage": 45, "estimatedRemainingSeconds": 2400, "currentStep": 450, "totalSteps": 1000,
            "currentEpoch": 1.35, "totalEpochs": 3, "trainMetrics": {"loss": "0.53", "samples_per_second": 812.5},
            "evalMetrics": {}, "lastUpdatedTime": "2026-11-20T08:11:12Z"}"#,
    )
    .expect("progress");
    assert_eq!((progress.origin, progress.share, progress.loss), (Origin::Trainer, Some(0.45), Some(0.53)));
    assert_eq!(
        (progress.step, progress.epochs, progress.rate.map(|rate| rate.last)),
        (Some(450), Some(3), Some(812.5))
    );
    assert_eq!(progress.left, Some(Left { seconds: 2400, over: None }));
    let now = progress.at.expect("a time").plus(60);
    assert_eq!(progress.left_text(now).as_deref(), Some("about 39m left, says the training program"));
    let kubeflow = reported(r#"{"progressPercentage": 10, "metrics": [{"name": "loss", "value": "2.5"}]}"#);
    assert_eq!(kubeflow.and_then(|progress| progress.loss), Some(2.5));
    for nothing in ["", "{}", "[1]", "null", "{\"progressPercentage\": \"soon\"}", "{\"currentStep\": -1}"] {
        assert_eq!(reported(nothing), None, "{nothing}");
    }
}

#[test]
fn progress_in_words_says_whether_it_is_an_estimate() {
    let rate = Rate { last: 812.4, mean: 800.0, unit: Unit::Samples, per_gpu: false, measured: false };
    let progress = Progress {
        origin: Origin::Log,
        at: Some(Secs(1_000)),
        step: Some(450),
        steps: Some(1000),
        share: Some(0.4567),
        loss: Some(0.5312),
        rate: Some(rate),
        left: Some(Left { seconds: 2460, over: Some(600) }),
        ..Progress::default()
    };
    assert_eq!(progress.text(), "45%, step 450 of 1000, loss 0.531, 812 samples/s");
    assert_eq!(progress.brief(), "45% 450/1000");
    assert_eq!(progress.source(Secs(1_012)), "from the log, 12s ago");
    assert_eq!(progress.left_text(Secs(1_060)).as_deref(), Some("about 40m left, estimated from the last 10m"));
    assert_eq!(progress.left_text(Secs(9_999)), None, "it should be over");
    let texts = [0.0, 0.5, 0.00002, 12.34, 512.0, 12_345.0, 1_234_567.0, 1000.0].map(number);
    assert_eq!(texts, ["0", "0.5", "2.0e-5", "12.3", "512", "12.3k", "1.23M", "1000"]);
    assert_eq!(json(&progress)["remainingEstimatedOverSeconds"], 600);
}
