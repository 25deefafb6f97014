-- Switches capture on again.
--
-- Who runs it: whoever may update {control}, e.g. a member of db_owner. Not inside a transaction.
-- Locks: the one row of {control}, for an instant.
-- Undone by: switch_off.sql.
SET NOCOUNT ON;
IF @@TRANCOUNT > 0
    RAISERROR(N'Commit or roll back first: the switch must not depend on a transaction.', 16, 1);
ELSE
    UPDATE {control}
    SET [captura_ligada] = 1, [trocas] = [trocas] + 1, [alterado_em] = SYSUTCDATETIME(), [alterado_por] = SUSER_SNAME()
    WHERE [captura_ligada] = 0;
GO
