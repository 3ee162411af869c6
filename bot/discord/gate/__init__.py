"""The one gate that every act passes: is it new, allowed here and not too much, and in which language?"""
