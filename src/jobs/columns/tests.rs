use proptest::prelude::*;

use super::*;

#[test]
fn every_column_reads_its_own_name() {
    for id in ColumnId::all().chain([ColumnId::Label(Sym::new("k8s.io/team"))]) {
        assert_eq!(id.to_string().parse(), Ok(id.clone()));
        assert!(id.spec().min <= id.spec().max && usize::from(id.spec().min) >= id.title().len().min(4), "{id}");
    }
    assert_eq!(ColumnId::Label(Sym::new("k8s.io/team")).title(), "TEAM");
    assert!("label:".parse::<ColumnId>().is_err() && "nope".parse::<ColumnId>().is_err());
}

#[test]
fn what_is_kept_on_disk_is_read_back_and_old_words_are_passed_over() {
    let mut config = ColumnsConfig::default();
    config.toggle(ColumnId::Queue);
    config.toggle(ColumnId::Label(Sym::new("team")));
    config.sort = Sort::by(ColumnId::Gpus);
    let text = toml::to_string(&config).expect("toml");
    assert!(text.contains("\"label:team\", \"cause\"") && text.contains("sort = \"-gpus\""), "{text}");
    assert_eq!(toml::from_str::<ColumnsConfig>(&text).expect("read"), config);
    let old: ColumnsConfig = toml::from_str("columns = ['state', 'bogus', 'state']\nsort = 'x'").expect("read");
    assert_eq!(old.columns, [ColumnId::Name, ColumnId::State]);
    assert_eq!(old.sort, Sort::default());
    config.toggle(ColumnId::Name);
    assert!(config.columns.contains(&ColumnId::Name), "the name stays");
}

#[test]
fn names_are_cut_in_their_middle() {
    assert_eq!(cut::middle("llama-7b-pretrain-003", 12, false), "llama-…n-003");
    assert_eq!(cut::middle("llama-7b-pretrain-003", 12, true), "llama-~n-003");
    assert_eq!(cut::middle("short", 12, true), "short");
    assert_eq!(cut::end("日本語", 5, false), "日本…");
    assert_eq!(cut::end("日本語", 4, false), "日…");
    assert_eq!((cut::end("abc", 0, false), cut::end("abc", 1, false)), ("".into(), "…".into()));
}

#[test]
fn what_matters_least_gives_way_first() {
    let wanted: Vec<Wanted> = ColumnsConfig::default().columns.iter().map(|id| wanted(id, id.spec().max)).collect();
    let shown = |width: u16| {
        let columns = ColumnsConfig::default().columns;
        fit(&wanted, width, 1).iter().map(|f| columns[f.index].to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(200), "name namespace kind state workers gpus queue age cause");
    assert_eq!(shown(78), "name namespace state workers gpus age cause");
    assert_eq!(shown(38), "name state");
}

fn wanted(id: &ColumnId, natural: u16) -> Wanted {
    let spec = id.spec();
    Wanted { min: spec.min, natural, gives_way: spec.gives_way, takes_rest: spec.takes_rest }
}

proptest! {
    #[test]
    fn columns_never_overlap_nor_leave_the_line(naturals in prop::collection::vec(0u16..80, 19), width in 0u16..320, gap in 0u16..4) {
        let wanted: Vec<Wanted> = ColumnId::all().zip(naturals).map(|(id, n)| wanted(&id, n)).collect();
        let mut from = 0;
        for fitted in fit(&wanted, width, gap) {
            prop_assert!(fitted.x >= from && fitted.width > 0);
            from = fitted.x + fitted.width + gap;
            prop_assert!(fitted.x + fitted.width <= width);
        }
    }

    #[test]
    fn a_cut_text_fits(text in ".{0,30}", cells in 0usize..20) {
        prop_assert!(cut::width(&cut::end(&text, cells, false)) <= cells);
        prop_assert!(cut::width(&cut::middle(&text, cells, true)) <= cells);
    }
}
