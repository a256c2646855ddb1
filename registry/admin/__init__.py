"""Pages for people, and the small JSON API beside them. They decide nothing: every act is a call of a room."""
