//! Products and customers, from rows of SQL Server to VTEX, through the binary.

use mare::simulator::{Limits, Options, ProductView, SkuView};

use crate::live::{put, remove, set};
use crate::tds::{Engine, Outcome, Tx, Value};
use crate::whole::Whole;

const CAPTURES: [&str; 2] = ["", "capture = \"tracking\""];

fn int(value: i64) -> Value {
    Value::Int(value)
}

fn text(value: &str) -> Value {
    Value::text(value)
}

/// Centimetres or kilograms, with four decimals.
fn measure(value: i128) -> Value {
    Value::Decimal(value * 10_000)
}

const YES: Value = Value::Bit(true);

/// What products refer to.
fn prepare(engine: &mut Engine, tx: Tx) -> Outcome<()> {
    let named = |id, code, name| {
        [
            ("id", int(id)),
            ("id_dominio", int(1)),
            ("codigo", text(code)),
            ("descricao", text(name)),
            ("situacao", int(1)),
        ]
    };
    put(engine, tx, "marca", &named(1, "M1", "Maré Alta"))?;
    put(engine, tx, "cor", &named(1, "AZ", "Azul"))?;
    put(engine, tx, "tamanho", &named(1, "M", "Médio"))?;
    put(engine, tx, "tamanho", &named(2, "G", "Grande"))?;
    let level = [("nivel", int(1))];
    put(engine, tx, "classificador", &[&named(1, "C1", "Vestidos")[..], &level].concat())
}

/// A product with two SKUs, as somebody types it in.
fn type_in(engine: &mut Engine, tx: Tx) -> Outcome<()> {
    let product = [
        ("id", int(2)),
        ("id_dominio", int(1)),
        ("codigo", text("2001")),
        ("ind_integra_ecommerce", YES),
        ("ind_ativo_ecommerce", YES),
        ("situacao", int(1)),
        ("descricao", text("Vestido de algodão")),
        ("descricao_ecommerce", text("<p>Leve à mão</p>")),
        ("id_marca", int(1)),
        ("id_classificador", int(1)),
        ("unidade_medida", text("UN")),
        ("tipo_produto", int(1)),
        ("ordem_exibicao", int(7)),
        ("peso_bruto", Value::Decimal(3_500)),
        ("altura_cm", measure(5)),
        ("largura_cm", measure(20)),
        ("comprimento_cm", measure(30)),
        ("data_lancamento", Value::Date(739_000)),
    ];
    put(engine, tx, "produto", &product)?;
    for (sku, code, size) in [(101, "2001-M", 1), (102, "2001-G", 2)] {
        let columns = [
            ("id", int(sku)),
            ("id_produto", int(2)),
            ("codigo", text(code)),
            ("fator_embalagem", Value::Decimal(1)),
            ("ind_ativo_ecommerce", YES),
            ("situacao", int(1)),
            ("id_cor", int(1)),
            ("id_tamanho", int(size)),
        ];
        put(engine, tx, "produto_sku", &columns)?;
        let stock = [
            ("id_loja", int(1)),
            ("id_deposito", int(1)),
            ("id_sku", int(sku)),
            ("quantidade", Value::Decimal(4)),
            ("quantidade_reservada", Value::Decimal(0)),
        ];
        put(engine, tx, "estoque_saldo", &stock)?;
    }
    let code = [
        ("id", int(1)),
        ("id_sku", int(101)),
        ("codigo", text("7891000315507")),
        ("tipo", int(1)),
        ("ind_principal", YES),
        ("situacao", int(1)),
    ];
    put(engine, tx, "produto_codigo_barras", &code)?;
    let image = [
        ("id", int(1)),
        ("id_produto", int(2)),
        ("ordem", int(1)),
        ("url", text("https://img.example/2001.jpg")),
        ("ind_principal", YES),
    ];
    put(engine, tx, "produto_imagem", &image)?;
    let material =
        [("id", int(1)), ("id_produto", int(2)), ("nome", text("Material")), ("valor", text("Algodão"))];
    put(engine, tx, "produto_especificacao", &material)
}

fn product(whole: &Whole) -> Option<ProductView> {
    whole.vtex.world().product_by_reference("2001")
}

fn sku(whole: &Whole, reference: &str) -> Option<SkuView> {
    let world = whole.vtex.world();
    world.catalog_sku(world.sku_id(reference)?)
}

fn specified(whole: &Whole, name: &str, value: &str) -> bool {
    let (product, sku) = (product(whole), sku(whole, "2001-M"));
    let of_product = product.into_iter().flat_map(|product| product.specifications);
    let mut all = of_product.chain(sku.into_iter().flat_map(|sku| sku.specifications));
    all.any(|one| one.field == name && one.values == [value])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_is_typed_into_sql_server_can_be_sold_and_follows_every_change() {
    for capture in CAPTURES {
        let options = Options { limits: Limits::unlimited(), ..Options::default() };
        let mut whole = Whole::with(capture, "\"product\", \"stock\"", options).await;
        whole.shop(prepare);
        whole.shop(type_in);
        let active = |whole: &Whole, reference: &str| sku(whole, reference).is_some_and(|sku| sku.active);
        whole.until("both are active", |whole| active(whole, "2001-M") && active(whole, "2001-G")).await;
        let (held, first) = (product(&whole).unwrap(), sku(&whole, "2001-M").unwrap());
        assert_eq!((held.name.as_str(), held.brand.name.as_str()), ("Vestido de algodão", "Maré Alta"));
        assert_eq!((held.category.path.join("/"), held.active), ("Vestidos".to_owned(), true));
        assert_eq!(first.name, "Vestido de algodão Azul Médio");
        assert_eq!((first.eans.as_slice(), first.packaged_grams), (&["7891000315507".to_owned()][..], 350.0));
        assert!(specified(&whole, "Material", "Algodão") && specified(&whole, "Tamanho", "Médio"));
        let stock = |whole: &Whole| {
            let world = whole.vtex.world();
            world.stock(world.sku_id("2001-G").unwrap(), "w").map(|stock| stock.quantity)
        };
        whole.until("its stock", |whole| stock(whole) == Some(4)).await;

        whole.shop(|engine, tx| set(engine, tx, "produto", 2, "titulo_ecommerce", text("Vestido leve")));
        whole.until("the title", |whole| product(whole).unwrap().name == "Vestido leve").await;
        whole.shop(|engine, tx| set(engine, tx, "cor", 1, "descricao", text("Azul-marinho")));
        whole.until("the colour", |whole| specified(whole, "Cor", "Azul-marinho")).await;
        // Of a row that is gone, change tracking tells its number only.
        whole.shop(|engine, tx| remove(engine, tx, "produto_codigo_barras", 1));
        whole.until("the code", |whole| sku(whole, "2001-M").unwrap().eans.is_empty()).await;
        whole.shop(|engine, tx| remove(engine, tx, "produto_especificacao", 1));
        whole.until("the specification", |whole| !specified(whole, "Material", "Algodão")).await;

        whole.kill();
        whole
            .shop(|engine, tx| set(engine, tx, "produto_sku", 102, "ind_ativo_ecommerce", Value::Bit(false)));
        whole.shop(|engine, tx| set(engine, tx, "marca", 1, "descricao", text("Maré Baixa")));
        whole.start();
        whole
            .until("what changed meanwhile", |whole| {
                !active(whole, "2001-G") && product(whole).unwrap().brand.name == "Maré Baixa"
            })
            .await;
        assert!(active(&whole, "2001-M"));
        assert_eq!(whole.vtex.world().catalog_duplicates(), Default::default());
    }
}

/// A customer who has agreed to be known, and to get offers.
fn enrol(engine: &mut Engine, tx: Tx) -> Outcome<()> {
    for (id, code) in [(1, "CADASTRO"), (2, "MARKETING_EMAIL")] {
        put(engine, tx, "finalidade_consentimento", &[("id", int(id)), ("codigo", text(code))])?;
    }
    let letter = [
        ("id", int(1)),
        ("id_dominio", int(1)),
        ("codigo", text("LGPD")),
        ("versao", int(1)),
        ("hash_texto", text("ab12")),
    ];
    put(engine, tx, "carta_consentimento", &letter)?;
    let customer = [
        ("id", int(1)),
        ("id_dominio", int(1)),
        ("codigo", text("4711")),
        ("tipo_pessoa", int(1)),
        ("nome", text("Célia Souza")),
        ("email", text("celia@example.com")),
        ("situacao", int(1)),
    ];
    put(engine, tx, "cliente", &customer)?;
    let accepted = Value::datetime2("2026-05-10T12:00:00", 3);
    for purpose in [1, 2] {
        let consent = [
            ("id", int(purpose)),
            ("id_cliente", int(1)),
            ("id_carta", int(1)),
            ("id_finalidade", int(purpose)),
            ("situacao", int(1)),
            ("canal", text("PDV")),
            ("data_aceite", accepted.clone()),
        ];
        put(engine, tx, "cliente_consentimento", &consent)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_of_sql_server_is_known_and_a_revocation_arrives() {
    for capture in CAPTURES {
        let mut options = Options { limits: Limits::unlimited(), ..Options::default() };
        options.master_data.custom_fields.push("CL.codigoErp".parse().unwrap());
        let whole = Whole::with(capture, "\"customer\", \"consent\"", options).await;
        whole.shop(enrol);
        let found = |whole: &Whole, name: &str| {
            let customers = whole.vtex.world().customers_by_email("celia@example.com");
            customers.first().and_then(|customer| customer.get(name).cloned())
        };
        whole.until("the customer", |whole| found(whole, "firstName") == Some("Célia".into())).await;
        whole.until("the offers", |whole| found(whole, "isNewsletterOptIn") == Some(true.into())).await;
        whole.shop(|engine, tx| {
            let at = Value::datetime2("2026-05-11T12:00:00", 3);
            set(engine, tx, "cliente_consentimento", 2, "data_revogacao", at)?;
            set(engine, tx, "cliente_consentimento", 2, "situacao", int(3))
        });
        whole.until("the revocation", |whole| found(whole, "isNewsletterOptIn") == Some(false.into())).await;
    }
}
