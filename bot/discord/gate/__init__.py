"""The one gate that every act must pass: is it new, is it allowed here, is it not too much, and in which language?"""
