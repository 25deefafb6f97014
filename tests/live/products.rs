//! Products: from Live's rows to SKUs that can be sold.

use std::time::Duration;

use mare::simulator::{CatalogDuplicates, Fault, FaultKind, Limits, Options, ProductView, SkuView};

use crate::support::replicator::Site;

const MINUTE: Duration = Duration::from_secs(60);
const FAST: &str = "[tuning]\nretry_first_ms = 100\n[tuning.routes]\nstock_write = { per_second = 2000, burst = 2000 }\n\
    stock_read = { per_second = 2000, burst = 2000 }\nprice_put = { per_second = 500, burst = 1000 }\n\
    price_read = { per_second = 500, burst = 1000 }\nprice_patch = { per_second = 500, burst = 1000 }\n\
    catalog_read = { per_second = 2000, burst = 2000 }\ncatalog_write = { per_second = 2000, burst = 2000 }\n\
    [tuning.concurrency]\ncatalog = 64\n";

/// SKUs of Live that a shopper can buy when everything has arrived.
const FOR_SALE: &str = "SELECT s.codigo FROM live.produto_sku s JOIN live.produto p ON p.id = s.id_produto
    WHERE p.ind_integra_ecommerce AND p.ind_ativo_ecommerce AND p.situacao = 1
      AND s.ind_ativo_ecommerce AND s.situacao = 1";

async fn open(skus: i64) -> Site {
    let options = Options { limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(skus, options, FAST).await;
    site.use_entities("\"product\", \"price\", \"stock\"");
    // The columns of the catalog are published only now.
    site.run(&["install"]);
    site
}

async fn codes(site: &Site, sql: &str) -> Vec<String> {
    let rows = site.live.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn sql(site: &Site, text: &str) {
    site.live.batch_execute(text).await.unwrap();
}

/// What stands between a SKU and its sale, apart from its price and stock.
fn unmet(site: &Site, sku_ref: &str) -> Option<String> {
    let world = site.vtex.world();
    let unmet = world.unmet(world.sku_id(sku_ref)?, "1");
    let unmet: Vec<_> = unmet.iter().map(|unmet| format!("{unmet:?}")).collect();
    let others = unmet.into_iter().filter(|unmet| !unmet.starts_with("Stock") && !unmet.starts_with("Price"));
    Some(others.collect::<Vec<_>>().join(", "))
}

async fn all_active(site: &Site, limit: Duration) {
    let expected = codes(site, FOR_SALE).await;
    let ready = |site: &Site| expected.iter().filter(|sku| unmet(site, sku).as_deref() == Some("")).count();
    site.until("every SKU is active", limit, async |site| ready(site) == expected.len()).await;
}

fn product(site: &Site, reference: &str) -> Option<ProductView> {
    site.vtex.world().product_by_reference(reference)
}

fn sku(site: &Site, reference: &str) -> Option<SkuView> {
    let world = site.vtex.world();
    world.catalog_sku(world.sku_id(reference)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flagged_product_becomes_an_active_sku_by_itself() {
    let mut site = open(200).await;
    site.start();
    all_active(&site, MINUTE).await;
    site.converged(MINUTE).await;
    assert!(codes(&site, FOR_SALE).await.len() > 150);
    assert_eq!(site.vtex.world().catalog_duplicates(), CatalogDuplicates::default());
    let code = codes(&site, FOR_SALE).await.remove(0);
    let explained = site.run(&["explain", "sku", &code]);
    for words in ["✓ the SKU is in VTEX", "✓ it has a price", "✓ 1 images", "✓ the product is shown"]
    {
        assert!(explained.contains(words), "{words}: {explained}");
    }
    let file = site.state_dir().with_file_name("fotos.csv");
    let rows = format!(
        "link;sku;ordem;principal;texto\nhttps://fotos.example.com/frente.jpg;{code};1;não;Frente\n\
         https://fotos.example.com/costas.jpg;{code};2;não;Costas\nhttps://fotos.example.com/x.jpg;NADA;1;não;\n"
    );
    std::fs::write(&file, rows).unwrap();
    let import = |dry: &[&str]| {
        let arguments = [&["images", "import", file.to_str().unwrap()], dry].concat();
        String::from_utf8(site.command(&arguments).output().unwrap().stdout).unwrap()
    };
    assert!(
        import(&["--dry-run"]).contains("2 would be taken; 1 lines with errors"),
        "{}",
        import(&["--dry-run"])
    );
    for _ in 0..2 {
        assert!(import(&[]).contains("2 taken"));
        let labels = |site: &Site| format!("{:?}", sku(site, &code).unwrap().images);
        site.until("the photographs", MINUTE, async |site| labels(site).contains("costas.jpg")).await;
        assert_eq!(sku(&site, &code).unwrap().images.len(), 3, "{}", labels(&site));
    }
    let unwanted = "SELECT codigo FROM live.produto WHERE NOT ind_integra_ecommerce";
    for code in codes(&site, unwanted).await {
        assert_eq!(product(&site, &code), None, "{code} is not integrated");
    }
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_product_arrives_and_what_others_wrote_stays() {
    let mut site = open(200).await;
    site.start();
    all_active(&site, MINUTE).await;
    let code = codes(&site, FOR_SALE).await.remove(0);
    let reference = code.split('-').next().unwrap().to_owned();
    let link = product(&site, &reference).unwrap().link;

    sql(
        &site,
        &format!(
            "UPDATE live.produto SET titulo_ecommerce = 'Rede de descanso' WHERE codigo = '{reference}'"
        ),
    )
    .await;
    let renamed = |site: &Site| product(site, &reference).unwrap().name == "Rede de descanso";
    site.until("the title", MINUTE, async |site| renamed(site)).await;
    assert_eq!(product(&site, &reference).unwrap().link, link, "its page keeps its address");

    sql(&site, "UPDATE live.marca SET descricao = descricao || ' Azul' WHERE codigo IN (SELECT codigo FROM live.marca ORDER BY codigo LIMIT 1)").await;
    let brands =
        |site: &Site| site.vtex.world().brands().iter().filter(|brand| brand.name.ends_with(" Azul")).count();
    site.until("the brand", MINUTE, async |site| brands(site) == 1).await;

    sql(&site, "UPDATE live.cor SET descricao = 'Verde-mar' WHERE codigo = (SELECT c.codigo FROM live.cor c ORDER BY c.codigo LIMIT 1)").await;
    let painted = "SELECT s.codigo FROM live.produto_sku s JOIN live.produto p ON p.id = s.id_produto
        JOIN live.cor c ON c.id = s.id_cor WHERE c.descricao = 'Verde-mar' AND p.ind_integra_ecommerce";
    let painted = codes(&site, painted).await;
    assert!(!painted.is_empty());
    let colour = |site: &Site, sku_ref: &String| {
        sku(site, sku_ref).is_some_and(|sku| format!("{:?}", sku.specifications).contains("Verde-mar"))
    };
    site.until("the colour", MINUTE, async |site| painted.iter().all(|sku_ref| colour(site, sku_ref))).await;

    sql(
        &site,
        &format!(
            "UPDATE live.produto_imagem SET url = 'https://imagens.example.com/nova.jpg'
         WHERE id_produto = (SELECT id FROM live.produto WHERE codigo = '{reference}')"
        ),
    )
    .await;
    let images = |site: &Site| format!("{:?}", sku(site, &code).unwrap().images);
    site.until("the image", MINUTE, async |site| images(site).contains("nova.jpg")).await;
    assert_eq!(sku(&site, &code).unwrap().images.len(), 1, "{}", images(&site));

    let material = |site: &Site| format!("{:?}", product(site, &reference).unwrap().specifications);
    assert!(material(&site).contains("Material"), "{}", material(&site));
    sql(
        &site,
        &format!(
            "DELETE FROM live.produto_especificacao
             WHERE id_produto = (SELECT id FROM live.produto WHERE codigo = '{reference}')"
        ),
    )
    .await;
    site.until("its specification is taken back", MINUTE, async |site| !material(site).contains("Material"))
        .await;

    sql(
        &site,
        &format!("UPDATE live.produto SET ind_integra_ecommerce = false WHERE codigo = '{reference}'"),
    )
    .await;
    site.until("out of sight", MINUTE, async |site| !product(site, &reference).unwrap().active).await;
    site.until("its SKU too", MINUTE, async |site| !sku(site, &code).unwrap().active).await;
    assert_eq!(site.vtex.world().catalog_duplicates(), CatalogDuplicates::default());
    assert_eq!(site.stop(), 0, "{}", site.log());
}

/// A colour that every product has is renamed where the catalog takes few writes; a sale does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_overtakes_a_rename_of_all_products() {
    let mut site = open(200).await;
    site.start();
    all_active(&site, MINUTE).await;
    site.converged(MINUTE).await;
    let slow = r#"{"routes": {"catalog_write": {"per_second": 1.0, "burst": 1}}}"#;
    site.run(&["tuning", "--set", slow]);
    sql(&site, "UPDATE live.cor SET descricao = descricao || ' claro'").await;
    let all = codes(&site, FOR_SALE).await;
    let renamed = |site: &Site| {
        let done = |sku_ref: &&String| {
            sku(site, sku_ref).is_some_and(|sku| format!("{:?}", sku.specifications).contains(" claro"))
        };
        all.iter().filter(done).count()
    };
    site.until("the rename has begun", MINUTE, async |site| renamed(site) > 0).await;
    sql(&site, "UPDATE live.estoque_saldo SET quantidade = quantidade + 7").await;
    site.converged(MINUTE).await;
    let (done, all) = (renamed(&site), all.len());
    assert!(done < all / 2, "{done} of {all} were renamed before all the stock was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_of_the_answers_lost_makes_nothing_twice() {
    let mut site = open(200).await;
    let lost = |kind, route: &str| Fault {
        route: route.to_owned(),
        probability: 0.2,
        applied: true,
        ..Fault::new(kind)
    };
    // (What is made without a name of its own, like an image, is asked for again only after a minute: see
    // tests/vtex_catalog, where time is virtual.)
    site.vtex.world().set_faults(vec![
        lost(FaultKind::ErrorAfter, "POST */stockkeepingunit"),
        lost(FaultKind::Reset, "POST */product"),
        lost(FaultKind::ErrorAfter, "PUT */specificationvalue"),
        lost(FaultKind::Reset, "GET */products/*"),
    ]);
    site.start();
    all_active(&site, 3 * MINUTE).await;
    assert_eq!(site.vtex.world().catalog_duplicates(), CatalogDuplicates::default());
    site.kill();
    site.start();
    all_active(&site, MINUTE).await;
    assert_eq!(site.vtex.world().catalog_duplicates(), CatalogDuplicates::default());
}

/// A kit of two SKUs that are for sale, whose own codes are given.
fn a_kit(parts: [&str; 2]) -> String {
    let [one, other] = parts;
    format!(
        "INSERT INTO live.produto (id, id_dominio, codigo, descricao, id_marca, id_classificador, tipo_produto,
             ind_integra_ecommerce, ind_ativo_ecommerce, peso_bruto, altura_cm, largura_cm, comprimento_cm,
             data_cadastro, data_atualizacao)
         SELECT md5('kit')::uuid, id_dominio, '900001', 'Conjunto de praia', id_marca, id_classificador, 2,
             true, true, 1, 10, 20, 30, now(), now()
         FROM live.produto WHERE id = (SELECT id_produto FROM live.produto_sku WHERE codigo = '{one}');
         INSERT INTO live.produto_sku (id, id_produto, codigo, data_cadastro, data_atualizacao)
         VALUES (md5('kit-sku')::uuid, md5('kit')::uuid, 'KIT-01', now(), now());
         INSERT INTO live.produto_imagem (id, id_produto, ordem, url, ind_principal, data_atualizacao)
         VALUES (md5('kit-foto')::uuid, md5('kit')::uuid, 1, 'https://imagens.example.com/kit.jpg', true, now());
         INSERT INTO live.produto_kit_componente (id, id_sku_kit, id_sku, quantidade, preco_unitario, data_atualizacao)
         SELECT md5('parte-' || codigo)::uuid, md5('kit-sku')::uuid, id, CASE codigo WHEN '{one}' THEN 2 ELSE 1 END,
             CASE codigo WHEN '{one}' THEN 12.505 END, now()
         FROM live.produto_sku WHERE codigo IN ('{one}', '{other}');"
    )
}

/// Reference, quantity and price of what a kit is made of, in order.
fn parts_of_kit(site: &Site) -> Vec<(String, u32, f64)> {
    let world = site.vtex.world();
    let components = sku(site, "KIT-01").map(|kit| kit.components).unwrap_or_default();
    let reference = |id| world.catalog_sku(id).unwrap().reference;
    let mut parts: Vec<_> =
        components.iter().map(|part| (reference(part.sku), part.quantity, part.unit_price)).collect();
    parts.sort_by(|one, other| one.0.cmp(&other.0));
    parts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kit_waits_for_its_parts_and_follows_them() {
    let options = Options { limits: Limits::unlimited(), ..Options::default() };
    let tuning = format!("{FAST}[tuning.catalog]\nkit_component_price = 700\n");
    let mut site = Site::new(200, options, &tuning).await;
    site.use_entities("\"product\"");
    site.set_config(&site.config().replacen(
        "[[mapping.stores]]",
        "[mapping.catalog]\nkits = true\n[[mapping.stores]]",
        1,
    ));
    site.run(&["install"]);
    let for_sale = codes(&site, FOR_SALE).await;
    let product_of = |sku: &String| sku.split('-').next().unwrap().to_owned();
    let one = for_sale[0].clone();
    let other = for_sale.iter().find(|sku| product_of(sku) != product_of(&one)).unwrap().clone();
    let integrate = |on: bool| {
        let product = product_of(&other);
        format!("UPDATE live.produto SET ind_integra_ecommerce = {on} WHERE codigo = '{product}'")
    };
    // One of its parts is not for VTEX yet.
    sql(&site, &integrate(false)).await;
    site.start();
    all_active(&site, MINUTE).await;
    sql(&site, &a_kit([&one, &other])).await;
    let explained = async |site: &Site| site.run(&["explain", "sku", "KIT-01"]);
    let awaited = format!("VTEX does not have sku {other} yet");
    site.until("it waits", MINUTE, async |site| explained(site).await.contains(&awaited)).await;
    assert_eq!(sku(&site, "KIT-01"), None, "what cannot be complete is not begun");

    sql(&site, &integrate(true)).await;
    let sold = |site: &Site| unmet(site, "KIT-01").as_deref() == Some("");
    site.until("the kit is active", MINUTE, async |site| sold(site)).await;
    assert!(sku(&site, "KIT-01").unwrap().is_kit);
    let mut expected = vec![(one.clone(), 2, 12.51), (other.clone(), 1, 7.0)];
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(parts_of_kit(&site), expected);

    let change = format!(
        "UPDATE live.produto_kit_componente SET quantidade = 4, preco_unitario = 9 WHERE id = md5('parte-{one}')::uuid;
         DELETE FROM live.produto_kit_componente WHERE id = md5('parte-{other}')::uuid;"
    );
    sql(&site, &change).await;
    let alone = [(one.clone(), 4, 9.0)];
    site.until("its parts", MINUTE, async |site| parts_of_kit(site) == alone).await;
    assert!(sold(&site));

    // A kit that is none any more in Live cannot go on as it is: VTEX never makes a plain SKU of it.
    sql(&site, "DELETE FROM live.produto_kit_componente").await;
    let refused = "not sent: sku KIT-01: a kit without parts";
    site.until("the reason", MINUTE, async |site| explained(site).await.contains(refused)).await;
    assert_eq!(parts_of_kit(&site), alone, "and it stays as it was");
    assert_eq!(site.vtex.world().catalog_duplicates(), CatalogDuplicates::default());
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_fetched_is_named_and_holds_nothing_else_up() {
    let options = Options { limits: Limits::unlimited(), ..Options::default() };
    let mut site = Site::new(200, options, FAST).await;
    site.use_entities("\"product\"");
    let check = "[mapping.catalog.images]\ncheck = true\n[[mapping.stores]]";
    site.set_config(&site.config().replacen("[[mapping.stores]]", check, 1));
    site.run(&["install"]);
    // Nobody listens there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    sql(&site, &format!("UPDATE live.produto_imagem SET url = 'http://{nobody}/foto.jpg'")).await;
    site.start();
    let expected = codes(&site, FOR_SALE).await;
    let lacks_only_its_image =
        |site: &Site, sku: &String| unmet(site, sku).is_some_and(|unmet| unmet == "Image, Index");
    site.until("all but the images", MINUTE, async |site| {
        expected.iter().all(|sku| lacks_only_its_image(site, sku))
    })
    .await;
    let explained = async |site: &Site| site.run(&["explain", "sku", &expected[0]]);
    let reason = format!("http://{nobody}/foto.jpg: ");
    site.until("the reason", MINUTE, async |site| {
        let text = explained(site).await;
        text.contains(&reason) && text.contains("✗ it has no image")
    })
    .await;
    assert!(site.run(&["parked", "list"]).contains("nothing is parked"));
    assert_eq!(site.stop(), 0, "{}", site.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_given_up_is_read_again_when_somebody_asks_for_it() {
    let mut site = open(200).await;
    site.start();
    all_active(&site, MINUTE).await;
    let code = codes(&site, FOR_SALE).await.remove(0);
    let reference = code.split('-').next().unwrap().to_owned();
    let refused = |route: &str| Fault { route: route.to_owned(), ..Fault::new(FaultKind::EmptyBadRequest) };
    let rename = |name: &str| {
        format!("UPDATE live.produto SET titulo_ecommerce = '{name}' WHERE codigo = '{reference}'")
    };
    for (name, arguments) in [("Rede", vec!["product"]), ("Esteira", Vec::new())] {
        site.vtex.world().set_faults(vec![refused("PUT */pvt/product/*")]);
        sql(&site, &rename(name)).await;
        let parked = |site: &Site| site.run(&["parked", "list"]).contains(&reference);
        site.until("it is refused", MINUTE, async |site| parked(site)).await;
        assert!(site.run(&["parked", "drop", "product", &reference]).starts_with("dropped"));
        site.vtex.world().set_faults(Vec::new());
        assert_ne!(product(&site, &reference).unwrap().name, name, "dropped means not sent");
        // By its own code, or with all that a SKU of it names.
        let key = if arguments.is_empty() { &code } else { &reference };
        site.run(&[&["reconcile"], &arguments[..], &["--key", key]].concat());
        let named = |site: &Site| product(site, &reference).unwrap().name == name;
        site.until("its name", MINUTE, async |site| named(site)).await;
    }
    assert!(site.fails(&["reconcile", "product", "--key", "NADA"]).contains("Live has no product NADA"));
    assert!(site.fails(&["reconcile", "--key", "NADA"]).contains("Live has no SKU NADA"));
    assert_eq!(site.stop(), 0, "{}", site.log());
}
