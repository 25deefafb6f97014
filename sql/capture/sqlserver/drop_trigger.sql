IF OBJECT_ID({trigger_literal}, N'TR') IS NOT NULL
    DROP TRIGGER {trigger};
GO
