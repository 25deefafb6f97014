//! Why VTEX refuses a catalog request.

/// A refusal; its text is what VTEX answers, where that is known (from clients that read it).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// What the request names does not exist.
    #[error("{0} not found")]
    NotFound(&'static str),
    #[error("{0} already created with this Id")]
    IdTaken(&'static str),
    #[error("There is already a product created with the same RefId with Product Id {0}")]
    ProductRefTaken(u32),
    #[error("There is already a product with the same LinkId with Product Id {0}")]
    LinkTaken(u32),
    #[error("Sku can not be created because the RefId is registered in Sku id {0}")]
    SkuRefTaken(u32),
    #[error("The EAN is registered in Sku id {0}")]
    EanTaken(u32),
    #[error("There is already a brand with the same name with Brand Id {0}")]
    BrandNameTaken(u32),
    /// The body is not valid, or not in this state.
    #[error("{0}")]
    Invalid(String),
    /// VTEX's answer to a text that ends in a space: 400 without a body (VTEX known issue 977033).
    #[error("a text ends in a space")]
    EndsInSpace,
}

impl Refusal {
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }
}
