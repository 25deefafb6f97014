use proptest::prelude::*;

use super::*;

fn lines(file: &str) -> (Vec<Link>, Vec<String>) {
    let (links, errors) = parse(file.as_bytes());
    (links, errors.iter().map(LineError::to_string).collect())
}

fn link(line: usize, url: &str, target: Target) -> Link {
    Link { line, url: format!("https://x/{url}"), target, order: None, main: false, label: None }
}

fn either(code: &str) -> Target {
    Target::Either(code.to_owned())
}

#[test]
fn a_file_with_a_header_is_read_by_names() {
    let file = "\u{feff}Código SKU;URL;Posição;Capa;Legenda;Obs\r\n\
                10-AZ;https://x/a.jpg;2;Sim;\"Frente; azul\";x\r\n\
                \r\n\
                10-AZ;https://x/b.jpg;;não;;\r\n";
    let (links, errors) = lines(file);
    assert!(errors.is_empty(), "{errors:?}");
    let sku = Target::Sku("10-AZ".to_owned());
    let front = Link {
        order: Some(2),
        main: true,
        label: Some("Frente; azul".to_owned()),
        ..link(2, "a.jpg", sku.clone())
    };
    assert_eq!(links, [front, link(4, "b.jpg", sku)]);
}

#[test]
fn a_file_without_a_header_has_the_usual_columns() {
    let (links, errors) = lines("https://x/a.jpg,10,1,s,Frente\nhttps://x/b.jpg,10");
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(links[0].label.as_deref(), Some("Frente"));
    assert_eq!(links[1], link(2, "b.jpg", either("10")));
}

#[test]
fn a_sku_goes_before_its_product() {
    let (links, _) = lines("produto,sku,link\n10,10-AZ,https://x/a.jpg\n10,,https://x/b.jpg");
    let targets: Vec<_> = links.into_iter().map(|link| link.target).collect();
    assert_eq!(targets, [Target::Sku("10-AZ".to_owned()), Target::Product("10".to_owned())]);
}

#[test]
fn the_separator_is_found() {
    for file in
        ["https://x/a.jpg;10", "https://x/a.jpg,10", "\n\n\"https://x/a.jpg\";10", "https://x/a.jpg;10;;;;;"]
    {
        let (links, errors) = lines(file);
        assert_eq!((links.len(), errors.len()), (1, 0), "{file}");
    }
    // A comma in an address does not divide it where semicolons do.
    assert_eq!(lines("https://x/w_1,h_2/a.jpg;10").0[0].url, "https://x/w_1,h_2/a.jpg");
}

#[test]
fn quotes_hold_separators_quotes_and_line_ends() {
    let (links, errors) =
        lines("https://x/a.jpg,10,,,\"Diz \"\"oi\"\",\ncerto\"\nhttps://x/b.jpg, \"11\" ,,,5\" tela");
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(links[0].label.as_deref(), Some("Diz \"oi\", certo"));
    assert_eq!((links[1].line, &links[1].target), (3, &either("11")));
    assert_eq!(links[1].label.as_deref(), Some("5\" tela"));
}

#[test]
fn a_wrong_line_is_told_and_the_others_count() {
    let good = "https://x/ok.jpg,99";
    let table = [
        ("foto.jpg,10", "line 2: \"foto.jpg\" is no address"),
        (",10", "line 2: \"\" is no address"),
        ("https://x/a.jpg", "line 2: no code"),
        ("https://x/a.jpg, ,1", "line 2: no code"),
        ("https://x/a.jpg,10,um", "line 2: order \"um\""),
        ("https://x/a.jpg,10,-1", "line 2: order \"-1\""),
        ("https://x/a.jpg,10,1,talvez", "line 2: main \"talvez\""),
        ("https://x/a.jpg,10,1,s,Azul,marinho", "line 2: 6 fields where there are 5 columns"),
        ("\"https://x/a.jpg,10", "line 2: a quote is not closed"),
        ("\"https://x/a.jpg\"x,10", "line 2: a quote is not closed"),
        ("https://x/first.jpg,1", "line 2: the same image as in line 1"),
        ("https://x/b.jpg,1,,s", "line 2: a second main image; the first is in line 1"),
    ];
    for (line, expected) in table {
        let (links, errors) = lines(&format!("https://x/first.jpg,1,,s\n{line}\n{good}"));
        assert!(errors.len() == 1 && errors[0].starts_with(expected), "{line}: {errors:?}");
        assert_eq!(links.iter().map(|link| link.line).collect::<Vec<_>>(), [1, 3], "{line}");
    }
}

#[test]
fn a_header_that_lacks_a_column_stops_the_file() {
    let table = [
        ("sku;ordem\n10;1", "line 1: the header has no column for the link"),
        ("link;ordem\nhttps://x/a.jpg;1", "line 1: the header has no column for the code"),
        ("link;url;sku\n", "line 1: the header names \"link\" twice"),
    ];
    for (file, expected) in table {
        let (links, errors) = lines(file);
        assert!(links.is_empty() && errors.len() == 1 && errors[0].starts_with(expected), "{errors:?}");
    }
    assert_eq!(lines(""), (Vec::new(), Vec::new()));
}

#[test]
fn what_spreadsheets_save_is_decoded() {
    let windows = b"link;c\xf3digo;texto\nhttps://x/a.jpg;10;Cal\xe7a \x96 azul";
    let (links, errors) = parse(windows);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(links[0].label.as_deref(), Some("Calça – azul"));
    assert_eq!(parse(b"\xff\xfel\0i\0").1[0].problem, Problem::Utf16);
}

#[test]
fn quotes_that_nobody_closes_cost_their_own_lines_only() {
    let file = format!("https://x/a.jpg,1\n{}https://x/b.jpg,2", "\"https://x/c.jpg,3\n".repeat(5_001));
    let (links, errors) = lines(&file);
    assert_eq!((links.len(), errors.len()), (2, 5_001));
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (links, errors) = parse(&bytes);
        prop_assert!(links.iter().all(|link| image::address(&link.url).is_some() && link.line > 0));
        prop_assert!(links.windows(2).all(|pair| pair[0].line < pair[1].line));
        prop_assert!(errors.iter().all(|error| error.line > 0));
    }

    #[test]
    fn every_line_counts_once(rows in prop::collection::vec("(https://x/[a-z]{1,3}[.]jpg|[a-z\"]{0,3})[,;][a-z\"]{0,2}[,;]?[0-9a\"]?", 0..30)) {
        let file = rows.join("\n");
        let (links, errors) = parse(file.as_bytes());
        prop_assert!(links.len() + errors.len() <= rows.len());
        if !file.contains('"') && !rows.is_empty() {
            let lines = rows.iter().filter(|row| !row.trim_matches([',', ';']).is_empty()).count();
            let header = usize::from(errors.iter().any(|error| matches!(error.problem, Problem::NoColumn(_) | Problem::ColumnTwice(_))));
            prop_assert!(header == 1 || links.len() + errors.len() >= lines.saturating_sub(1));
        }
    }
}
