use proptest::prelude::*;

use super::*;

fn typed(editor: &mut Editor, text: &str) {
    for c in text.chars() {
        let at = editor.cursor();
        editor.replace(at, at, c.encode_utf8(&mut [0; 4]), Change::Typing);
    }
}

#[test]
fn a_word_typed_is_undone_at_once_and_what_was_before_is_not() {
    let mut editor = Editor::new("kind: MPIJob\n");
    typed(&mut editor, "#é");
    editor.go(Place::new(1, 0));
    typed(&mut editor, "spec:");
    assert_eq!(editor.text(), "#ékind: MPIJob\nspec:\n");
    assert!(editor.undo());
    assert_eq!(editor.text(), "#ékind: MPIJob\n");
    assert!(editor.undo() && !editor.undo());
    assert_eq!(editor.text(), "kind: MPIJob\n");
    assert!(editor.redo() && editor.redo() && !editor.redo());
    assert_eq!(editor.text(), "#ékind: MPIJob\nspec:\n");
}

#[test]
fn pasted_lines_are_one_step() {
    let mut editor = Editor::new("a: 1\nb: 2\n");
    editor.replace(Place::new(0, 1), Place::new(1, 1), "x\r\ny\nz", Change::Step);
    assert_eq!(editor.text(), "ax\ny\nz: 2\n");
    assert_eq!(editor.cursor(), Place::new(2, 1));
    assert!(editor.undo());
    assert_eq!(editor.text(), "a: 1\nb: 2\n");
}

#[test]
fn lines_are_replaced_as_one_step() {
    let mut editor = Editor::new("a: x\nb: x\nc: x\n");
    editor.replace_lines(0..2, &["a: one".to_owned(), "b: two".to_owned()]);
    assert_eq!(editor.text(), "a: one\nb: two\nc: x\n");
    assert!(editor.undo() && !editor.undo());
    assert_eq!(editor.text(), "a: x\nb: x\nc: x\n");
}

#[test]
fn undo_goes_by_words() {
    let mut editor = Editor::new("");
    typed(&mut editor, "one two");
    assert!(editor.undo());
    assert_eq!(editor.text(), "one \n");
}

#[test]
fn colours_know_the_block_scalar_that_began_far_above() {
    let script = "    echo: x\n".repeat(100);
    let mut editor = Editor::new(&format!("command:\n  - |\n{script}end: 1\n"));
    editor.go(Place::new(90, 0));
    editor.settle(10, 80);
    let is_key = |line: &YamlLine| line.spans.iter().any(|(_, role)| *role == crate::jobs::manifest::Role::Key);
    assert!(!is_key(&editor.coloured(85)) && editor.is_in_block(85));
    // The block is none any more.
    editor.replace(Place::new(1, 4), Place::new(1, 5), "x:", Change::Step);
    editor.go(Place::new(90, 0));
    editor.settle(10, 80);
    assert!(is_key(&editor.coloured(85)) && !editor.is_in_block(85));
}

#[test]
fn a_search_goes_round_both_ways() {
    let mut editor = Editor::new("gpu cpu gpu\ncpu\ngpu\n");
    editor.search = Query::parse("gpu").expect("valid");
    let forward: Vec<_> = (0..4).map(|_| (editor.find(false, false), editor.cursor()).1).collect();
    assert_eq!(forward, [Place::new(0, 8), Place::new(2, 0), Place::new(0, 0), Place::new(0, 8)]);
    let back: Vec<_> = (0..3).map(|_| (editor.find(true, false), editor.cursor()).1).collect();
    assert_eq!(back, [Place::new(0, 0), Place::new(2, 0), Place::new(0, 8)]);
    editor.search = Query::parse("nowhere").expect("valid");
    assert!(!editor.find(false, true));
}

#[test]
fn up_and_down_keep_their_column_through_a_short_line() {
    let mut editor = Editor::new("abcdef\na\nabcdef");
    editor.go(Place::new(0, 5));
    editor.step_lines(1, false);
    editor.step_lines(1, false);
    assert_eq!(editor.cursor(), Place::new(2, 5));
}

proptest! {
    #[test]
    fn another_text_in_the_place_of_all_is_one_step(old in "[ab\\n]{0,12}", new in "[ab\\n]{0,12}") {
        let mut editor = Editor::new(&old);
        editor.replace_whole(&new);
        prop_assert_eq!(editor.lines(), &lines_of(&new)[..]);
        while editor.undo() {}
        prop_assert_eq!(editor.lines(), &lines_of(&old)[..]);
    }

    #[test]
    fn places_and_bytes_are_each_others_inverse(text in "[a-é\\n]{0,40}", at in 0..80usize) {
        let editor = Editor::new(&text);
        let place = editor.place_of(at.min(text.len()));
        prop_assert_eq!(editor.place_of(editor.offset_of(place)), place);
    }

    #[test]
    fn undoing_everything_gives_the_first_text(
        text in "[ab\\n]{0,20}",
        changes in proptest::collection::vec((0..20usize, 0..5usize, "[xé\\n]{0,4}"), 0..20),
    ) {
        let mut editor = Editor::new(&text);
        let first = editor.lines().to_vec();
        for (at, length, new) in changes {
            let from = editor.place_of(at.min(editor.text().len()));
            let to = editor.place_of(editor.offset_of(from) + length);
            editor.replace(from, to.max(from), &new, Change::Typing);
            editor.settle(5, 10);
            prop_assert!((editor.window.top..editor.window.top + 5).contains(&editor.cursor().row));
        }
        while editor.undo() {}
        prop_assert_eq!(editor.lines(), &first[..]);
    }
}

#[test]
fn beyond_sixteen_bits_of_lines_the_cursor_still_goes_where_it_is_sent() {
    let mut editor = Editor::new(&"a: 1\n".repeat(70_000));
    editor.go(Place::new(69_990, 3));
    assert_eq!(editor.cursor(), Place::new(69_990, 3));
    editor.go(Place::new(900_000, 0));
    assert_eq!(editor.cursor().row, editor.lines().len() - 1);
    let mut uneven = Editor::new(&"a: 1234567\n\n".repeat(34_000));
    uneven.go(Place::new(67_000, 7));
    assert_eq!(uneven.cursor(), Place::new(67_000, 7));
    let mut wide = Editor::new(&"x".repeat(70_000));
    wide.go(Place::new(0, 69_000));
    assert_eq!(wide.cursor(), Place::new(0, 69_000));
}
