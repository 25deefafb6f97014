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
