//! Any keys at all.

use proptest::prelude::*;

use super::*;
use crate::console::key;

const KEYS: [&str; 24] = [
    "tab",
    "x",
    "a",
    "space",
    "enter",
    "backspace",
    "del",
    "up",
    "down",
    "left",
    "right",
    "end",
    "home",
    "ctrl-k",
    "ctrl-y",
    "ctrl-u",
    "ctrl-r",
    "ctrl-t",
    "ctrl-d",
    "ctrl-7",
    "ctrl-v",
    "ctrl-w",
    "shift-down",
    "pagedown",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn keys_never_lose_the_cursor_and_undo_leads_back(
        keys in proptest::collection::vec(0..KEYS.len(), 0..60),
        (width, height) in (20..100u16, 5..40u16),
    ) {
        let mut it = new_on(width, height);
        let first = text(&it);
        for at in keys {
            for key in key::sequence(KEYS[at]).expect("a key") {
                it.send(Message::Input(Input::Key(key)));
            }
            let editor = &it.model.draft().expect("open").editor;
            let at = editor.cursor();
            prop_assert!(at.col <= editor.lines()[at.row].chars().count());
            it.screen();
        }
        let mut steps = 0;
        while it.model.draft_mut().expect("open").editor.undo() {
            steps += 1;
            prop_assert!(steps < 100);
        }
        prop_assert_eq!(text(&it), first);
    }
}
