# Sorts remote controls into folders by their brand.
mkdir -p codes/BAT
echo "21,1" >codes/BAT/tv.csv
ls codes | wc -l
