-- The id under which a game began, which is that of its board also when the game is archived under another. A game from before
-- has the one it was archived from last.

ALTER TABLE games ADD COLUMN board_id TEXT;

UPDATE games SET board_id = COALESCE(archived_from, game_id);
