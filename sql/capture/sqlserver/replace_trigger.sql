-- The old trigger goes and the new one comes in one transaction, so that no change falls between them. Both options are recorded
-- with the trigger: they hold in it whatever the session that fires it has set.
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
BEGIN TRANSACTION;
GO
{drop_trigger}{create_trigger}GO
IF @@TRANCOUNT > 0
    COMMIT TRANSACTION;
GO
