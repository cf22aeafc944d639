# Sets up a project skeleton: the notes of the template go into a file of another name.
mkdir skeleton
echo "# Project" >skeleton/README.md
echo "Made from a template." >skeleton/TEMPLATE.md
ls skeleton | wc -l
