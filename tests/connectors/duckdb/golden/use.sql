USE "it's";
