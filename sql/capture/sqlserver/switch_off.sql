-- Switches capture off, without maré and without a lock on the shop's tables: from the next statement on the triggers leave at once.
--
-- Who runs it: whoever may update {control}, e.g. a member of db_owner. Not inside a transaction.
-- Locks: the one row of {control}, for an instant. The triggers read it without locks and never wait.
-- Undone by: switch_on.sql. Changes in between are not captured; maré sees that and compares everything again.
SET NOCOUNT ON;
IF @@TRANCOUNT > 0
    RAISERROR(N'Commit or roll back first: the switch must not depend on a transaction.', 16, 1);
ELSE
    UPDATE {control}
    SET [captura_ligada] = 0, [trocas] = [trocas] + 1, [alterado_em] = SYSUTCDATETIME(), [alterado_por] = SUSER_SNAME()
    WHERE [captura_ligada] = 1;
GO
